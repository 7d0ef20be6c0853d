"""The steps from an empty file to a conforming client, in the order in which `next` leads through them."""

from conformance.checks.steps import step

STEPS = (
    step(
        "greeting",
        "Connect, and send a line",
        "Connect to the server and take its greeting. Send each line that the user types, with LF at its end.",
        sections="2 3.1 5 13",
        checks="""
            CLIENT-2/a-greeting-is-taken
            LINE-1/a-typed-line-ends
            CLIENT-13/plain-lines-are-sent
            CLIENT-1/usual-features-are-taken
        """,
    ),
    step(
        "words",
        "Show what is said",
        "Show each SAID with the name of its speaker. Show a line when its LF has come, whatever pieces it comes in.",
        sections="3.1 7 13",
        checks="""
            CLIENT-10/words-are-shown
            NET-3/several-lines-at-once-are-shown
            CLIENT-10/several-lines-at-once-are-shown-in-order
            NET-3/a-line-in-halves-is-shown
            CLIENT-10/many-lines-at-once-are-shown
            CLIENT-10/what-is-said-is-shown-with-names
            CLIENT-10/what-is-said-is-shown-as-it-is
            CLIENT-11/ones-own-words-are-shown-once
            NET-3/half-a-line-is-not-shown
        """,
    ),
    step(
        "leaving",
        "Leave",
        "Send `exit` when the user leaves, by the word, by the end of input or by Ctrl-C. Wait for BYE, close "
        "the connection, and leave the terminal as it was.",
        sections="8.2 13",
        checks="""
            CLIENT-15/exit-ends-the-client
            CLIENT-15/end-of-input-ends-the-client
            CLIENT-15/interrupt-ends-the-client
            CLIENT-8/a-bye-ends-the-connection
            CLIENT-16/leaving-sends-exit
            LINE-1/client-lines-end-with-lf
            CLIENT-8/bye-after-exit-is-followed-by-the-end
            CLIENT-15/leaving-the-lobby-ends-the-client
            CLIENT-17/leaving-restores-the-terminal
        """,
    ),
    step(
        "events",
        "Show what happens",
        "Show who enters, leaves and has another name, and show errors and announcements. Pass over what you "
        "do not know.",
        sections="7 8 13 15",
        checks="""
            CLIENT-12/who-enters-is-shown
            CLIENT-3/an-announcement-is-not-answered
            CLIENT-1/an-unknown-feature-is-passed-over
            LINE-2/a-greeting-with-cr-lf-is-taken
            CLIENT-12/events-and-errors-are-shown
            CLIENT-12/why-somebody-left-is-shown
            CLIENT-21/the-user-is-asked-for-a-room
            CLIENT-22/ones-new-name-and-room-are-shown
            CLIENT-22/lists-that-were-asked-for-are-shown
            CLIENT-1/unknown-lines-are-passed-over
            CLIENT-1/unknown-lines-in-the-greeting
            CLIENT-1/unknown-features-are-passed-over
            CLIENT-3/nothing-is-answered-by-itself
            CLIENT-4/texts-for-people-mean-nothing
            CLIENT-19/unknown-codes-and-reasons-are-shown
            LINE-2/client-takes-cr-lf
        """,
    ),
    step(
        "typing",
        "Typed lines",
        "Send each line as it was typed, or do not send it and say so. Keep what is half typed when something comes.",
        sections="3 13",
        checks="""
            CLIENT-14/half-a-word-survives
            CLIENT-13/characters-beyond-ascii-are-sent
            LINE-11/client-sends-no-longer-line
            TEXT-7/client-sends-no-forbidden-text
            CLIENT-13/what-is-typed-is-sent-as-typed
            CLIENT-13/commands-are-sent-as-typed
            CLIENT-13/long-lines-are-sent-whole
            CLIENT-13/a-paste-is-sent-whole
            CLIENT-13/what-is-not-sent-is-told
            CLIENT-20/lines-are-received-while-a-paste-is-not-taken
            CLIENT-14/half-a-line-survives-what-comes
            CLIENT-14/half-a-line-survives-a-flood
            CLIENT-14/half-a-line-survives-another-size
            CLIENT-14/a-character-in-halves-survives-what-comes
        """,
    ),
    step(
        "ends",
        "Every end",
        "Tell the user why the server ended the conversation, or that it ended without a word. Show first "
        "what came before.",
        sections="8.2 13",
        checks="""
            CLIENT-2/another-version-is-left
            CLIENT-18/the-reason-of-a-bye-in-a-room
            CLIENT-15/exit-ends-the-client-without-a-bye
            CLIENT-15/end-of-input-ends-the-client-without-a-bye
            CLIENT-15/interrupt-ends-the-client-without-a-bye
            CLIENT-15/leaving-while-lines-come-ends-the-client
            CLIENT-16/bye-is-waited-for
            CLIENT-17/every-end-restores-the-terminal
            CLIENT-18/the-reason-of-a-bye-in-the-lobby
            CLIENT-18/the-reason-of-a-bye-in-the-greeting
            CLIENT-2/another-protocol-is-left-and-told
            CLIENT-6/a-closed-connection-is-told
            CLIENT-6/a-broken-connection-is-told
            CLIENT-6/an-end-within-a-line-is-told
            CLIENT-7/what-came-is-processed-before-a-failure-is-told
            CLIENT-8/bye-is-followed-by-the-end
        """,
    ),
    step(
        "safety",
        "Safe and whole",
        "Let nobody write on the terminal but you. Show long lines and floods whole.",
        sections="3 13",
        checks="""
            NET-3/client-segments-mean-nothing
            NET-3/client-takes-all-in-one-segment
            LINE-2/only-lf-ends-a-line
            LINE-12/client-takes-long-lines
            CLIENT-9/unsafe-characters-of-texts
            CLIENT-9/unsafe-characters-of-errors
            CLIENT-9/unsafe-characters-of-names
            CLIENT-9/attacks-in-every-word
            CLIENT-9/attacks-in-ones-own-name-and-room
            CLIENT-9/attacks-in-bye-and-hello
            CLIENT-10/a-flood-is-shown-in-order
            CLIENT-23/no-text-looks-like-an-event
            TELL-7/what-one-is-told-alone-looks-like-it
            HIST-11/what-was-said-before-looks-like-it
        """,
    ),
    step(
        "password",
        "A password",
        "Ask the user for the password where the server wants one. Never show it, and never send it unasked.",
        sections="11.3 13",
        checks="""
            PASS-14/the-first-line-is-no-password
            PASS-12/the-user-is-asked-for-the-password
            PASS-13/the-password-is-not-shown
            PASS-15/half-a-password-is-dropped
            PASS-16/a-command-typed-for-a-password-is-taken-for-its-words
            PASS-14/no-password-is-sent-unasked
        """,
    ),
)
