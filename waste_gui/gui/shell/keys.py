"""The keys of the window, as its page of keys shows them."""

KEYS = """\
Ctrl+O\tadd a folder of photos
Ctrl+Shift+O\trecent folders
F5\tstart training
Ctrl+.\tstop training
Ctrl+R\tearlier runs
Ctrl+J\tthe queue
Ctrl+Shift+J\tadd these photos and settings to the queue
Ctrl+L\tlog
Ctrl+Shift+C\tcopy a report
Ctrl+E\topen the run folder
Ctrl+S\tsave a report
Ctrl+1\tloss and accuracy
Ctrl+2, Ctrl+3\tloss or accuracy alone
Ctrl+4\tlearning rate
Ctrl+Z\tundo a change to the photos, what was excluded or ignored,
\tor what was done to a run
Ctrl+Shift+Z\tredo it
F6, Shift+F6\tnext and previous area
Alt+W\tthe warning
Ctrl+,\tsettings
F1\tthe guide to the page that is shown
Shift+F1\tthese shortcuts
Ctrl+Q\tquit

In the list of what the check found: Space excludes, I ignores,
Enter shows the photo larger.

In the list of runs: Ctrl+F searches, Enter shows, F2 renames, N writes a
note, S stars, A archives, C compares, O opens the folder, Del deletes.

In the queue: Alt+Up and Alt+Down move a run, Del removes it.

In a plot and in the timeline: Space follows the newest, Home shows all,
+ and - zoom, the arrows pan.

Esc never stops training. Enter in the stop dialog keeps it going."""
