"""What holds for all tests."""

import signal

# A shell without job control, or nohup, starts programs so that they ignore some signals. The programs that the tests
# start would inherit that, and be deaf to Ctrl-C, for instance.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
