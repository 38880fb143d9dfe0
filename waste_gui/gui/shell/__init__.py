"""What frames every page: menus, header, banner, dialogs, guide."""
