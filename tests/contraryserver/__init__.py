"""A third Flurfunk/1 server, on one thread: it takes what the specification leaves to a server the other way.

It is written from `spec/` alone and is there for the conformance suite, which must blame no server for a freedom.
So this server uses each freedom that the text gives, and uses it in a way in which the other servers do not.
Chance decides in most places. The seed is the port, unless `--seed` says another one.

| freedom | where the text gives it | how it is taken |
|---|---|---|
| made-up names | NAME-7, section 16 | the smallest free `guest-N`; or letters, one sign, 32 octets, digits, a word |
| order of MEMBER, LIVE, features | section 16 | shuffled each time |
| further features | section 15, OUT-1, ERR-1 | `x-moon`, with `/moon`, MOON and `ERROR no-moon` |
| texts of ERROR | section 16, 8.1 | one dot, one blank, other scripts, up to 8192 octets, another one each time |
| texts and number of INFO lines | section 16, STATE-3, HELP-1 | one or twelve in the greeting, 1 to 30 for `/help` |
| INFO where nobody asked | section 7 | now and then to anybody, but not within lines that belong together |
| place of an answer | section 9.1 | NAME, PONG, ERROR and the lists come later, among events of others; ROOM does not |
| moment of a list | WHO-2, LIST-2 | MEMBER lines tell of the moment when they are sent, LIVE lines of the one before |
| lines to different clients | section 16, ORDER-8 | each client's output is held for its own time, 0.25 s at most |
| who is first among those that race | section 16, ORDER-1 | clients are dealt with in another order each turn |
| how fast somebody is read | section 16, FLOW-1 | one line a turn, in reads of 1 to 16384 octets |
| what is no flood | FLOW-8, section 12 | 2048 octets in a second |
| how long the operator waits | OPER-13 | 0.8 seconds after each 32768 characters |
| segments | NET-3 | writes of one octet, writes that end within a character |
| a foreign connection | section 16, NET-9 | reset, closed at once, or closed after HELLO |
| lines before a reset | section 16 | done or dropped |
| lines at a shutdown or a kick | section 16 | dropped |
| octets that wait | FLOW-4 | 262144, the least |
| what waits for a slow client | section 8.2 | dropped, or kept before its BYE slow |
| time in which nothing is taken | section 12 | 5 seconds, the least |
| time to choose a room | BYE-6, section 12 | 300 seconds |
| when an end of sending is noticed | section 2, NET-4 | at once, or up to 0.06 seconds later |
| a wrong password | PASS-5 | 1.1 to 2.2 seconds |
| BYE exit | ORDER-9 | later than LEFT has its place |
| reading on after BYE | NET-6, section 12 | 1.1 or 4.5 seconds |
| shutting down | OPER-2, section 12 | up to 9 seconds |
| what the console looks like | section 16 | no prompt and no greeting; the barest answers |

Made-up names are none that stand in `spec/sessions/`, because of CONF-1.
"""
