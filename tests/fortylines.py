"""A server as one first writes it: it greets, lets in, relays and renames, and knows nothing else.

Started by `python -m tests.fortylines PORT`; what the suite says of it has to be short, and right.
"""

import socket
import sys
import threading

clients: dict[socket.socket, list[str]] = {}  # name and room, "" before one is chosen


def tell(room: str, text: str) -> None:
    """Send a line to all members of a room."""
    for connection, (_, where) in list(clients.items()):
        if room and where == room:
            connection.sendall(text.encode() + b"\n")


def serve(connection: socket.socket, number: int) -> None:
    """Serve one client until its connection ends."""
    name, room = clients[connection] = [f"guest-{number}", ""]
    connection.sendall(f"HELLO flurfunk/1 who\nNAME {name}\n".encode())
    for line in connection.makefile(encoding="utf-8", errors="replace"):
        name, room = clients[connection]
        text = line.strip()
        word, _, argument = text.partition(" ")
        if word == "/nick":
            clients[connection][0] = argument
            connection.sendall(f"NAME {argument}\n".encode())
            tell(room, f"NICK {name} {argument}")
        elif word == "/cd" or not room:
            tell(argument or text, f"JOINED {name}")
            clients[connection][1] = argument or text
            connection.sendall(f"ROOM {argument or text}\n".encode())
        elif word == "/ping":
            connection.sendall(f"PONG {argument}\n".encode())
        else:
            tell(room, f"SAID {name} {text}")
    del clients[connection]
    tell(room, f"LEFT {name} lost")


def main() -> None:
    """Accept connections for ever, a thread for each."""
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
        for number in range(1, 1_000_000):
            threading.Thread(target=serve, args=(server.accept()[0], number), daemon=True).start()


if __name__ == "__main__":
    main()
