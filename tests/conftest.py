"""What holds for all tests."""

import signal

# A shell without job control starts what runs in the background so that it ignores SIGINT. The programs that the
# tests start would inherit that, and be deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
