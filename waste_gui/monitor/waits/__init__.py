"""What a thread waits for, whatever it is: the call, the object with its name, who could end it, on whose
behalf. Linux's own files say it of any process, a Python stack everywhere; `chain.resolve` takes both.
"""
