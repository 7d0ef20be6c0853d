"""The steps from an empty file to a conforming server, in the order in which `next` leads through them.

Each step needs nothing that a later one asks for: `tests/stepserver.py` has the first steps alone, and shows it.
"""

from conformance.checks.steps import step

STEPS = (
    step(
        "hello",
        "Say hello",
        "Accept connections, several at the same time. Send HELLO and NAME as soon as a client connects, with a "
        "name that nobody else has.",
        sections="4 5.1 7",
        checks="""
            NET-1/several-connections-at-once
            STATE-1/hello
            STATE-2/name
            NAME-7/made-up-names
            NAME-7/made-up-names-have-the-form
            STATE-1/hello-comes-first
        """,
    ),
    step(
        "lines",
        "Read lines and answer `/ping`",
        "Collect octets until an LF ends a line, whatever pieces they come in. Send the token of `/ping` back "
        "in PONG, and answer `/help` with INFO.",
        sections="3.1 6.1 6.5 9.2",
        checks="""
            PING-1/pong
            NET-3/two-lines-in-one-segment
            ORDER-6/pongs-in-each-state
            LINE-2/cr-lf
            NET-3/a-line-in-pieces
            LINE-5/an-empty-line
            PING-2/odd-tokens-come-back
            HELP-1/help-is-given
            PING-2/tokens-that-others-take-for-none
            HELP-1/arguments-of-help-of-each-length
        """,
    ),
    step(
        "room",
        "A room of one's own",
        "Take a bare line of a client that is in no room, or `/cd ROOM`, for the room to enter, and answer with "
        "ROOM. In a room, send each line back to its speaker as SAID.",
        sections="4 5 6.2 6.3",
        checks="""
            NAME-11/any-room
            ROOM-1/room
            STATE-6/a-line-enters-a-room
            ROOM-4/cd-enters-a-room
            ROOM-5/the-same-room-again
            NAME-10/rooms-are-folded
            SAY-1/a-line-is-said
            SAY-4/say
            NET-1/serves-over-ipv4
            NAME-11/valid-rooms
            STATE-1/hello-comes-once
            PING-2/the-token-comes-back
            NET-3/characters-cut-at-each-place
            NAME-11/rooms-that-others-take-for-equal
            SAY-4/arguments-that-others-take-for-none
            SAY-1/texts-that-others-take-for-none
            SAY-1/texts-of-each-length
            SAY-4/arguments-of-say-of-each-length
            PING-2/tokens-of-each-length
        """,
    ),
    step(
        "together",
        "Two in a room",
        "Tell the other members with JOINED that a client has entered. Send what is said to all members of "
        "the room, and to nobody else.",
        sections="6.2 6.3 8.1 9.2",
        checks="""
            ROOM-2/joined
            ORDER-7/pongs-in-place
            ORDER-8/pongs-prove
            SAY-2/said
            SAY-3/said-to-no-other-room
            STATE-4/no-events-for-the-lobby
            TEXT-5/odd-texts-are-relayed
            ORDER-7/pong-for-each-member
            ORDER-8/events-for-each-member
            LINE-5/empty-lines
            TEXT-5/texts-are-relayed-octet-for-octet
            STATE-2/name-comes-second
            PING-1/ping-is-answered
            HELP-1/help-is-answered
            ROOM-1/entering-is-answered
            ROOM-2/entering-is-told
            ROOM-4/cd-is-a-first-choice
            ROOM-5/moving-to-where-one-is
            SAY-1/bare-lines-are-said
            SAY-2/said-reaches-every-member-once
            SAY-3/said-reaches-nobody-else
            NAME-10/each-letter-of-a-room-is-folded
            SAY-2/many-words-in-two-rooms
            SAY-4/say-whatever-it-looks-like
        """,
    ),
    step(
        "leaving",
        "Move and leave",
        "Tell the members that stay with one LEFT, and the right reason: `moved`, `exit` or `lost`. Answer "
        "`exit` with BYE, and serve the last lines of a client that has ended its sending.",
        sections="2 5.2 7.1 8.2",
        checks="""
            EXIT-1/bye
            ORDER-2/nothing-of-before
            OUT-3/no-events-of-another-room
            STATE-5/nothing-of-the-lobby
            ORDER-2/one-of-two-is-told
            ROOM-3/moved
            BYE-1/bye-comes-before-the-end
            ORDER-9/bye-proves
            EXIT-2/left-by-exit
            NET-4/half-closed
            LEFT-1/left-by-loss
            LEFT-1/left-by-half-closing
            LEFT-2/left-once
            NET-4/half-close-gets-all-answers
            NET-4/half-close-without-lines
            NET-4/exit-before-a-half-close
            NET-5/half-a-line-is-dropped
            LINE-2/cr-lf-ends-a-line
            EXIT-1/exit-is-answered
            EXIT-2/exit-is-told
            EXIT-3/nothing-behind-exit
            ROOM-3/moving-is-told
            LEFT-1/lost-connections-are-told
            BYE-1/bye-before-the-end
            BYE-2/nothing-behind-bye
            ORDER-2/no-event-of-the-room-that-was-left
            ORDER-2/no-event-from-before
            ORDER-9/bye-is-as-good-as-a-pong
            ROOM-2/a-room-that-was-left-begins-anew
            NET-5/long-halves-of-lines-are-dropped
            SAY-2/each-member-is-told-once
            OUT-3/events-reach-members-only
        """,
    ),
    step(
        "names",
        "Names",
        "Let `/nick` give a client another name, and tell the room. A name that a client gives up is free at once.",
        sections="4 6.4",
        checks="""
            NAME-1/a-plain-name
            NAME-4/the-case-of-a-name
            NICK-1/renamed
            NICK-2/nick
            NICK-2/a-change-of-case
            NICK-5/the-new-name-is-used
            NAME-8/a-given-up-name
            NAME-9/the-name-of-who-left
            NAME-9/names-are-free-after-exit-in-the-lobby
            NET-3/segments-mean-nothing
            NAME-1/valid-names
            NAME-1/every-character-of-a-name
            NAME-5/own-name-in-another-case
            NAME-7/made-up-names-are-free
            NAME-8/given-up-names-are-free
            NAME-9/names-are-free-before-left-and-bye
            STATE-5/the-lobby-is-told-to-nobody
            NICK-1/renaming-is-answered
            NICK-2/renaming-is-told
            NICK-3/the-name-one-has
            NAME-8/a-made-up-name-is-free
            NAME-9/all-names-are-free-behind-bye
            NAME-9/all-names-are-free-behind-left
            NICK-5/the-last-name-stands-in-all-events
            NAME-7/made-up-names-stay-free
            NAME-1/names-are-free-after-each-end-in-the-lobby
            LEFT-1/each-end-in-a-room-is-told
            NAME-9/names-are-free-after-each-end-in-a-room
            NAME-1/names-that-others-take-for-equal
            NAME-8/a-name-is-free-however-it-was-had
            LEFT-2/one-left-for-each-that-leaves
            LEFT-2/one-left-for-each-that-moves-and-breaks
            ORDER-8/each-kind-of-event-comes-to-each-member
            ORDER-8/the-barrier-holds-for-others
            SAY-2/what-one-does-is-told-to-many
        """,
    ),
    step(
        "errors",
        "Say no",
        "Answer each line that you refuse with ERROR and the code of the table. Change nothing then, and go "
        "on serving.",
        sections="6.1 8.1",
        checks="""
            ERR-2/served-after-an-error
            ERR-1/a-code-of-the-table
            CMD-1/an-unknown-command
            CMD-5/an-error-comes-alone
            CMD-3/a-missing-argument
            STATE-7/nothing-is-said-in-the-lobby
            NAME-12/a-bad-room
            NAME-2/a-bad-name
            NAME-3/a-taken-name
            NAME-6/a-reserved-name
            NAME-2/invalid-names
            NAME-3/taken-names
            NAME-3/made-up-names-are-taken
            NAME-6/reserved-names
            NAME-12/invalid-rooms
            STATE-4/no-events-in-the-lobby
            STATE-6/a-line-in-the-lobby-is-a-room
            STATE-6/http-words-behind-the-first-octets
            STATE-7/say-in-the-lobby
            CMD-1/unknown-commands
            CMD-2/words-in-capitals
            CMD-3/missing-arguments
            CMD-3/a-blank-is-an-argument
            CMD-5/what-is-refused-is-not-done
            EXIT-4/exit-is-the-whole-line
            ROOM-6/a-refused-move-changes-nothing
            NICK-4/a-refused-name-changes-nothing
            FEAT-1/features-that-are-not-there
            NET-3/beginnings-cut-at-each-place
            NAME-3/each-letter-is-folded
            NAME-2/names-beyond-the-form
            NAME-12/rooms-beyond-the-form
            NAME-3/one-name-for-many-at-once
            STATE-4/nothing-reaches-the-lobby-by-any-way
            NAME-3/a-name-is-taken-however-it-came
            NAME-2/names-of-each-length
            NAME-12/rooms-of-each-length
            CMD-1/unknown-commands-of-each-length
        """,
    ),
    step(
        "text",
        "The content of a line",
        "Take lines of UTF-8 up to 4096 octets, without control characters, and refuse all others. Let "
        "everything else through as it is.",
        sections="3",
        checks="""
            CMD-6/one-outcome
            LINE-3/a-long-line
            LINE-6/a-mark-at-the-start
            TEXT-6/served-after-a-line-that-is-none
            LINE-4/a-line-that-is-too-long
            TEXT-1/a-line-that-is-no-utf-8
            TEXT-2/a-forbidden-character
            TEXT-3/a-cr-within-a-line
            LINE-6/one-mark-at-the-start
            TEXT-1/parts-of-a-mark-at-the-start
            LINE-1/lines-end-with-lf
            LINE-3/lines-of-4096-octets
            LINE-3/long-lines-in-pieces
            LINE-4/too-long-lines
            LINE-4/too-long-in-octets-not-characters
            LINE-4/too-long-lines-are-dropped-whole
            LINE-4/too-long-in-the-lobby
            LINE-6/byte-order-mark
            LINE-6/byte-order-mark-elsewhere
            LINE-7/no-line-before-its-end
            LINE-8/longest-lines
            TEXT-1/ill-formed-utf8
            TEXT-1/ill-formed-utf8-in-commands
            TEXT-2/forbidden-characters
            TEXT-2/forbidden-characters-in-commands
            TEXT-2/forbidden-characters-behind-a-byte-order-mark
            TEXT-3/stray-cr
            TEXT-4/refused-text-does-not-come-back
            TEXT-6/refused-lines-cost-nothing-else
            TEXT-8/no-other-character-is-refused
            CMD-4/the-first-error-counts
            CMD-6/every-line-has-one-outcome
            ERR-1/errors-have-the-codes-of-the-table
            ERR-1/no-other-codes
            ERR-2/the-connection-survives-errors
            ORDER-6/ping-in-every-state
            ORDER-7/pong-stands-in-order
            LINE-4/commands-that-are-too-long
            NAME-12/marks-behind-the-start
            STATE-6/lines-that-look-like-http
            NAME-11/rooms-with-words-of-http
            TEXT-6/many-refused-lines
            LINE-4/first-lines-that-are-too-long
            LINE-6/first-lines-behind-a-mark
        """,
    ),
    step(
        "rough",
        "The rough world",
        "Survive browsers, TLS, endless lines and connections that break. End each connection so that BYE arrives.",
        sections="2 3.1 8.2 14",
        checks="""
            NET-6/the-end-after-bye
            NET-7/http
            NET-8/tls
            NET-6/bye-survives-unread-input
            NET-6/reads-on-after-bye
            NET-7/http-words-end-the-connection
            NET-7/http-request-ends-the-connection
            NET-8/tls-ends-the-connection
            NET-9/foreign-protocols-are-not-acted-on
            LINE-9/memory-for-a-line
            BYE-3/nothing-is-done-after-bye
            SEC-1/a-reset-right-after-connecting
            NET-7/http-cut-at-each-place
            SEC-1/others-are-served-whatever-comes
        """,
    ),
    step(
        "order",
        "One order for all",
        "Let all members of a room see its events in the same order. Let a move be one step that nobody can "
        "see half done.",
        sections="9.1",
        checks="""
            ORDER-3/in-the-order-of-the-lines
            ORDER-4/answers-in-order
            ORDER-1/all-members-see-one-order
            ORDER-3/lines-take-effect-in-order
            ORDER-5/moves-are-seen-whole
            ORDER-4/answers-come-in-order-to-each-member
            ORDER-3/each-member-sees-the-order-of-the-lines
        """,
    ),
    step(
        "lists",
        "Lists and features",
        "Answer `/who` and `/rooms` with whole lists, in their place among the other lines, and `/history` and "
        "`/tell` if you have them. Name in HELLO the features that you have, and no others.",
        sections="11.1 11.2 11.4 11.5 15",
        checks="""
            OUT-1/plain-lines-match-the-grammar
            GROW-1/a-room-needs-no-feature
            OUT-2/named-features-are-known
            WHO-1/who
            WHO-4/who-with-an-argument
            LIST-1/rooms
            LIST-4/rooms-with-an-argument
            HIST-1/history
            HIST-2/past
            HIST-4/one-of-two
            HIST-5/twenty-come
            HIST-6/history-without-a-number
            TELL-1/tell
            TELL-2/told
            TELL-3/tell-nobody
            TELL-4/tell-nothing
            NAME-4/case-is-kept
            NAME-10/room-names-are-folded
            CMD-5/refused-lines-do-nothing-else
            NICK-5/the-new-name-everywhere
            OUT-1/all-lines-match-the-grammar
            OUT-2/features-are-named-once
            OUT-2/features-are-those-that-there-are
            ORDER-4/answers-come-in-order
            ORDER-5/who-moves-is-counted-once
            LIST-1/rooms-before-the-first
            LIST-3/rooms-after-the-last
            WHO-1/who-lists-the-members
            WHO-2/who-agrees-with-the-events
            WHO-3/who-in-the-lobby
            WHO-4/who-takes-no-argument
            LIST-1/rooms-lists-all-rooms
            LIST-2/rooms-describes-one-moment
            LIST-3/empty-rooms-are-not-listed
            LIST-4/rooms-takes-no-argument
            WHO-2/long-lists-of-members-are-not-divided
            LIST-2/long-lists-of-rooms-are-not-divided
            GROW-1/the-plainest-client
            GROW-2/no-further-words
            CONF-1/rooms
            CONF-1/who
            WHO-1/who-is-right-after-each-end
            LIST-3/no-room-is-listed-after-each-end
            CMD-4/an-argument-too-many-before-no-room
            ROOM-2/whoever-enters-is-a-member-like-others
            WHO-1/each-member-is-listed-once-under-its-last-name
            LIST-1/each-member-is-counted-once
            WHO-4/arguments-of-who-of-each-length
            LIST-4/arguments-of-rooms-of-each-length
            HIST-1/history-counts-its-lines
            HIST-2/past-lines-are-events-as-they-were-sent
            HIST-2/nothing-else-is-kept
            HIST-3/history-agrees-with-the-events
            HIST-3/long-answers-are-not-divided
            HIST-4/no-more-than-asked-for
            HIST-5/twenty-are-kept
            HIST-6/history-takes-a-number
            HIST-7/history-in-the-lobby
            HIST-8/numbers-go-up-by-one
            HIST-8/numbers-are-not-used-again
            HIST-9/people-are-told-that-words-are-kept
            HIST-10/times-are-those-of-the-words
            HIST-6/arguments-of-history-of-each-length
            CMD-4/a-bad-number-before-no-room
            CONF-1/history
            TELL-1/one-is-told-wherever-it-is
            TELL-1/one-is-told-the-text-as-it-is
            TELL-1/names-are-those-of-now
            TELL-2/receipts-come-in-order
            TELL-3/nobody-of-that-name
            TELL-3/names-of-nobody-of-each-length
            TELL-4/a-name-and-a-text-are-needed
            TELL-5/what-one-causes-comes-in-order
            TELL-6/one-can-tell-itself
            NICK-5/a-new-name-is-told
            CONF-1/tell
            LINE-3/first-lines-of-each-length
        """,
    ),
    step(
        "floods",
        "Floods and slow readers",
        "Read more slowly from a client that sends too fast, and drop nothing. Remove a client that reads "
        "nothing, and let nobody wait for it.",
        sections="9.3 9.4 12",
        checks="""
            FLOW-1/a-plain-paste
            FLOW-1/a-paste-arrives-whole
            FLOW-1/ten-thousand-lines-arrive
            FLOW-1/a-hundred-thousand-lines-of-commands
            FLOW-2/who-does-not-read-is-not-read
            FLOW-3/a-stalled-reader-delays-nobody
            ORDER-7/pongs-behind-much-that-waits
            FLOW-3/who-reads-nothing-for-a-second-delays-no-word
            FLOW-4/little-may-wait
            FLOW-4/what-waits-has-a-bound
            FLOW-5/who-does-not-read-is-removed
            TEXT-5/what-was-said-before-the-removal-is-whole
            FLOW-6/who-is-removed-is-told
            FLOW-5/who-reads-nothing-for-long-is-removed
            FLOW-7/who-reads-is-not-removed
            FLOW-7/who-is-told-much-is-not-removed
            FLOW-2/answers-wait-for-who-asks
            NET-4/answers-wait-at-a-half-close
            FLOW-7/silence-is-no-stall
            FLOW-1/hundreds-of-lists
            FLOW-1/nothing-is-dropped-for-who-reads-slowly
            FLOW-7/who-reads-texts-slowly-is-not-removed
            FLOW-7/who-reads-moves-slowly-is-not-removed
            FLOW-8/who-talks-waits-for-nobody
            FLOW-8/who-has-read-up-waits-for-nobody
            FLOW-5/whoever-stalls-is-removed
            FLOW-10/who-has-left-and-takes-nothing-is-broken-off
            LEFT-2/one-left-for-each-that-takes-nothing
            FLOW-1/hundreds-of-lines-of-each-kind
            FLOW-2/whatever-is-asked-and-not-read-is-not-collected
        """,
    ),
    step(
        "console",
        "The operator's console",
        "Let the operator speak to all rooms, remove a client, and end the server. A server without a console "
        "has nothing to do here: say `--no-console`.",
        sections="10 12",
        checks="""
            OPER-1/announced
            OPER-2/ended-by-exit
            OPER-4/kicked
            NAME-9/names-are-free-after-kick
            STATE-4/no-announcements-in-the-lobby
            OPER-4/kick-removes-in-every-state
            OUT-1/announcements-match-the-grammar
            LEFT-2/no-left-at-the-shutdown
            BYE-1/bye-before-the-operator-ends-it
            BYE-3/nothing-is-done-after-kick
            OPER-1/announcements-after-lines-to-nobody
            ORDER-2/announcements-to-nobody-are-not-kept
            OPER-2/exit-when-nobody-has-come
            OPER-2/exit-when-all-have-left
            OPER-9/sigterm-when-nobody-has-come
            OPER-9/sigint-when-all-have-left
            OPER-1/announcements-have-their-place
            OPER-1/announcements-are-not-changed
            OPER-2/exit-ends-the-server
            OPER-2/what-was-queued-still-arrives
            OPER-2/a-client-that-does-not-read-does-not-hold-it
            OPER-3/commands-are-not-announced
            OPER-4/kick-removes-a-client
            OPER-4/kick-removes-nobody-else
            OPER-5/who-on-the-console
            HIST-2/announcements-are-kept
            OPER-6/rooms-on-the-console
            OPER-7/help-on-the-console
            OPER-8/end-of-a-terminal-ends-nothing
            OPER-8/end-of-a-pipe-ends-nothing
            OPER-9/sigint-ends-the-server
            OPER-9/sigterm-ends-the-server
            OPER-10/bad-lines-are-not-announced
            OPER-11/empty-console-lines
            OPER-12/cr-lf-ends-a-console-line
            OPER-12/half-a-console-line-is-not-announced
            OPER-12/half-a-console-line-is-not-acted-on
            OPER-12/a-mark-at-the-start-is-a-character
            OPER-10/long-lines-on-the-console
            SEC-2/nothing-raw-on-the-console
            SEC-3/what-is-said-is-not-logged
            CONF-1/announce
            CONF-1/kick
            CONF-1/shutdown
            NAME-9/names-are-free-after-kick-in-each-state
            OPER-1/announcements-reach-whoever-entered
            OPER-4/kick-finds-a-name-however-it-came
            LEFT-2/one-left-for-each-that-is-kicked
            LEFT-2/one-left-for-each-that-was-kicked
            OPER-1/announcements-reach-every-member
            OPER-1/announcements-reach-many
            OPER-5/who-of-many-on-the-console
            OPER-6/many-rooms-on-the-console
            OPER-13/a-paste-takes-effect
            NET-4/no-bye-at-the-shutdown-for-who-has-ended
        """,
    ),
    step(
        "limits",
        "Limits, and waiting",
        "Tell a client that the server is full, or that it took too long to choose a room. Say with "
        "`--limited-server-cmd` how a server with such limits is started.",
        sections="8.2 12",
        checks="""
            BYE-4/full
            BYE-5/a-place-again
            BYE-7/idle
            NET-6/reads-on-after-bye-full
            NET-6/does-not-read-on-for-ever
            LINE-7/no-line-by-waiting
            LINE-10/hint-comes-once
            LINE-10/hint-that-a-line-ends
            BYE-4/a-full-server-says-so
            BYE-3/who-is-not-served-is-not-heard
            BYE-5/a-place-is-free-again
            BYE-7/who-does-not-choose-is-sent-away
            BYE-6/who-does-not-choose-is-sent-away
            BYE-7/nobody-is-sent-away-before
            BYE-8/who-has-chosen-may-stay
            NET-3/the-rest-of-a-line-comes-late
            BYE-8/whoever-has-chosen-may-stay
            BYE-4/an-end-frees-one-place
            BYE-5/a-place-is-free-after-bye-idle
            WHO-1/who-of-more-than-255
            LIST-1/more-than-255-rooms
            STATE-3/words-for-people
            LINE-10/the-hint-comes-in-each-state
            BYE-7/whatever-is-sent-is-no-choice
            NET-6/does-not-read-on-for-ever-whatever-the-reason
            BYE-5/a-place-is-free-after-each-end
        """,
    ),
    step(
        "all",
        "The password, and all conversations",
        "Let in a client that knows the password, if you want one. Then all conversations hold: those of the "
        "specification, and hundreds that are drawn by chance.",
        sections="9.1 11.3",
        checks="""
            PASS-2/admitted
            PASS-4/not-admitted
            PASS-3/a-wrong-password
            NET-6/does-not-read-on-for-ever-after-denied
            PASS-7/wrong-passwords-are-counted-for-the-whole-connection
            ORDER-1/walk
            NAME-9/names-are-free-behind-bye-denied
            NET-4/half-close-while-a-wrong-password-waits
            PASS-1/the-feature-is-advertised
            PASS-2/the-password-admits
            PASS-2/the-longest-password-admits
            PASS-2/the-shortest-password-admits
            PASS-3/other-words-do-not-admit
            PASS-4/before-admission-there-is-one-answer
            PASS-4/what-was-refused-had-no-effect
            STATE-4/who-is-not-admitted-hears-nothing
            PASS-5/a-wrong-password-is-answered-late
            PASS-7/the-third-wrong-password-ends-it
            PASS-8/who-is-admitted-is-served-as-elsewhere
            TELL-3/who-is-not-admitted-is-nobody
            PASS-9/a-further-password-changes-nothing
            PASS-10/nobody-gets-to-see-a-password
            PASS-3/long-words-for-a-long-password
            CONF-1/bad-lines
            CONF-1/barrier
            CONF-1/exit
            CONF-1/first-steps
            CONF-1/framing
            CONF-1/half-close
            CONF-1/lobby
            CONF-1/lost
            CONF-1/move
            CONF-1/names
            CONF-1/password
            CONF-1/rename
            CONF-1/speak
            NAME-1/names-are-free-after-each-end-before-admission
            PASS-6/others-do-not-wait
        """,
    ),
)
