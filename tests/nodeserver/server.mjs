// A Flurfunk/1 server for Node 20, written from the specification alone: core, `who`, `rooms` and the operator's console.
import { createServer } from "node:net";

const MAX_LINE = 4096; // octets, terminator excluded [LINE-3]
const TALK = 4096; // octets of lines in a second that are no flood: they wait for no other member [FLOW-8]
const GRACE = 800; // ms for which a lagging member that takes nothing holds its room up: between [FLOW-3] and [FLOW-7]
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
const FORBIDDEN = /[\0-\x08\n-\x1f\x7f-\x9f\u2028\u2029]/;
const fold = (name) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
const BOM = "\xef\xbb\xbf"; // the first octets are looked at in latin1
const HTTP = "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI".split(" ").map((word) => word + " ");
const HELP = ["INFO Type a room's name to enter it: main, lounge, coffee-break or any other. There, what you type is said.",
  "INFO /cd ROOM moves, /nick NAME renames, /say TEXT speaks, /who and /rooms list, /ping TOKEN echoes, exit leaves."];
const LEFT_REASON = { exit: "exit", removed: "removed", slow: "removed" }; // what the room is told, by reason of the BYE
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const fail = (status, message) => { process.stderr.write(`server.mjs: ${message}\n`); process.exit(status); };

const RANGES = { // of the options that are numbers [section 12]
  __proto__: null, "port": [0, 65535], "max-clients": [1, 65536], "choose-timeout": [0, 1e6],
  "max-waiting": [262144, 16777216], "stall-timeout": [5, 300] };
const option = { "host": "127.0.0.1", "port": 8080, "max-clients": 1000, "choose-timeout": 120,
  "max-waiting": 1048576, "stall-timeout": 30 };
for (let i = 2; i < process.argv.length; i += 2) {
  const [key, value] = [process.argv[i].replace(/^--/, ""), process.argv[i + 1]];
  const [least, most] = RANGES[key] ?? [];
  if (key === "host" && value) option.host = value;
  else if (/^\d+$/.test(value) && value >= least && value <= most) option[key] = Number(value);
  else fail(2, `wrong option, or no value for it: ${key}` + (most ? ` takes ${least} to ${most}` : ""));
}
const LAG = option["max-waiting"] / 4; // waiting octets from which a client lags
const connections = new Set(); // every Client whose socket is not closed
const clients = new Map(); // folded user name -> Client that is served
const rooms = new Map(); // folded room name -> Set of its members, never empty
const lagging = new Set(); // Clients for which more than LAG octets wait, until half of them are gone
const sleepers = []; // resolvers of those who wait for that
let guests = 0; // names made up so far

class LineReader { // cuts octets into lines, in bounded memory [LINE-9]
  kept = Buffer.alloc(MAX_LINE + 1); // one more for the CR
  size = 0; // of the unfinished line, with what is not kept of it
  *lines(chunk) { // yields [error, text] for each line that ends in the chunk
    for (let start = 0, end; start < chunk.length; start = end + 1, this.size = 0) {
      end = chunk.indexOf(10, start);
      const piece = chunk.subarray(start, end < 0 ? chunk.length : end);
      if (this.size + piece.length <= this.kept.length) piece.copy(this.kept, this.size);
      this.size += piece.length;
      if (end < 0) return;
      yield this.judge();
    }
  }
  judge() {
    const length = this.size <= MAX_LINE + 1 && this.kept[this.size - 1] === 13 ? this.size - 1 : this.size;
    if (length > MAX_LINE) return ["too-long"];
    try {
      const text = DECODER.decode(this.kept.subarray(0, length));
      return FORBIDDEN.test(text) ? ["bad-text"] : [null, text];
    } catch { return ["bad-text"]; }
  }
}

const turn = () => new Promise((resolve) => sleepers.push(resolve)); // comes when some output went down or somebody left
function wake() {
  const [first, ...others] = sleepers.splice(0);
  for (const resolve of [...others, first]) resolve?.(); // another first each time, so that nobody starves
}
// Whether a member of the room lags although it reads; nobody waits for one that does not read.
const lags = (room) => room && [...lagging].some((client) => client.room === room && Date.now() - client.progress < GRACE);
function tell(room, line, except) {
  const octets = Buffer.from(line + "\n");
  for (const member of rooms.get(room) ?? []) if (member !== except) member.put(octets);
}

class Client {
  reader = new LineReader();
  start = ""; // the first octets, until it is clear that they are no HTTP; then null
  left = false; over = false; // no longer served, and what it sends dropped; it ended its sending, or the connection broke
  busy = false; writing = false; closing = false; // lines are processed; output is under way; no more output is queued
  hints = ["INFO A line is acted on when it ends with LF."]; // told once [LINE-10]
  second = 0; said = 0; // when the present second began; octets of lines that were processed in it
  queue = []; waiting = 0; inFlight = 0; // Buffers of whole lines; octets not yet taken; those handed to the system
  constructor(socket) {
    connections.add(Object.assign(this, { socket }));
    socket.on("data", (chunk) => this.receive(chunk)).on("end", () => this.end());
    socket.on("close", () => this.closed()).on("error", () => {}); // "close" follows
    this.send("HELLO flurfunk/1 who rooms");
    if (clients.size >= option["max-clients"]) return this.bye("full");
    do this.name = `guest-${++guests}`; while (clients.has(this.name));
    clients.set(this.name, this);
    this.send(`NAME ${this.name}`, ...HELP);
    if (option["choose-timeout"]) this.idleTimer = setTimeout(() => this.bye("idle"), option["choose-timeout"] * 1000);
  }
  send(...lines) { for (const line of lines) this.put(Buffer.from(line + "\n")); }
  put(octets) {
    if (this.closing) return;
    if (this.waiting + octets.length > option["max-waiting"] && !this.left) {
      this.closing = true; // and removed a moment later: everybody gets the line at hand before its LEFT [ORDER-1]
      return queueMicrotask(() => this.bye("slow"));
    }
    if (this.waiting === 0) this.progress = Date.now();
    this.waiting += octets.length;
    if (this.waiting > LAG) lagging.add(this);
    this.queue.push(octets);
    if (!this.writing) process.nextTick(() => this.write());
    this.writing = true;
  }
  write() { // few lines at once: it is when they are taken that the client is seen to read
    const octets = Buffer.concat(this.queue.splice(0, 16));
    this.inFlight = octets.length;
    this.writing = octets.length > 0 && !this.socket.destroyed;
    if (!this.writing) return this.closing && this.endSending();
    this.socket.write(octets, () => {
      this.waiting -= octets.length;
      this.progress = Date.now();
      if (this.waiting < LAG / 2 && lagging.delete(this)) wake();
      this.write();
    });
  }
  bye(reason) {
    if (this.left) return;
    if (reason === "slow") Object.assign(this, { queue: [], waiting: this.inFlight, progress: Date.now() }); // [FLOW-6]
    this.leave(LEFT_REASON[reason], `BYE ${reason}`);
  }
  leave(reason, ...lastLines) { // frees the name, tells the room if there is a reason, and ends the connection [NAME-9]
    this.left = true;
    for (const timer of [this.idleTimer, this.hintTimer]) clearTimeout(timer);
    if (this.name) clients.delete(fold(this.name));
    this.leaveRoom(reason);
    this.closing = false; // it was true if too much is waiting
    this.send(...lastLines);
    this.closing = true;
    if (!this.writing) this.endSending();
    this.socket.resume(), wake(); // what comes is dropped [NET-6]
  }
  leaveRoom(reason) {
    rooms.get(this.room)?.delete(this);
    if (rooms.get(this.room)?.size === 0) rooms.delete(this.room);
    if (reason) tell(this.room, `LEFT ${this.name} ${reason}`);
    this.room = undefined;
  }
  endSending() { this.socket.end(() => setTimeout(() => this.socket.destroy(), 2000)); } // [NET-6]
  end() { // the client ended its sending, or is gone; the lines that came before still count [NET-4]
    this.over = true;
    if (!this.busy && !this.left) this.leave("lost");
  }
  closed() {
    connections.delete(this);
    this.closing = true;
    if (lagging.delete(this)) wake();
    this.end();
  }
  checkStall() { // [FLOW-5]; one that does not even take its BYE is cut off
    if (this.waiting > 0 && Date.now() - this.progress >= option["stall-timeout"] * 1000)
      this.left ? this.socket.destroy() : this.bye("slow");
  }
  async receive(chunk) {
    if (this.left) return;
    clearTimeout(this.hintTimer);
    if (this.start !== null) chunk = this.checkStart(chunk);
    this.busy = true;
    this.socket.pause();
    for (const [error, text] of this.reader.lines(chunk)) {
      while (!this.left && (lagging.has(this) || (this.floods() && lags(this.room)))) await turn(); // [FLOW-2]
      if (this.left) return;
      this.said += error ? MAX_LINE : text.length + 1;
      error ? this.refuse(error) : text && this.act(text);
    }
    this.busy = false;
    if (this.over) this.end();
    if (this.left) return;
    this.socket.resume();
    if ((this.reader.size > 0 || !BOM.startsWith(this.start ?? "")) && this.hints.length > 0)
      this.hintTimer = setTimeout(() => this.send(this.hints.pop()), 5000);
  }
  floods() {
    if (Date.now() - this.second >= 1000) Object.assign(this, { second: Date.now(), said: 0 });
    return this.said > TALK;
  }
  checkStart(chunk) { // returns what is known to be lines; ends a connection that speaks HTTP or TLS [NET-7] [NET-8]
    this.start += chunk.toString("latin1");
    const text = this.start.startsWith(BOM) ? this.start.slice(3) : this.start;
    const foreign = this.start[0] === "\x16" || HTTP.some((word) => text.startsWith(word));
    if (foreign) this.leave(), this.socket.destroy();
    if (foreign || [BOM, ...HTTP].some((word) => word.startsWith(text))) return Buffer.alloc(0);
    this.start = null;
    return Buffer.from(text, "latin1");
  }
  refuse(code) { this.send(`ERROR ${code} nothing was done; /help tells what can be typed`); }
  act(text) {
    const [, word, blank, rest] = /^([^ ]*)( ?)(.*)$/.exec(text);
    if (text === "exit") this.bye("exit");
    else if (!text.startsWith("/")) this.room ? this.say(text) : this.enter(text);
    else if (/^\/(cd|say|nick|ping)$/.test(word) ? !rest : /^\/(who|rooms)$/.test(word) && blank) this.refuse("bad-argument");
    else if (/^\/(say|who)$/.test(word) && !this.room) this.refuse("no-room");
    else if (word === "/cd") this.enter(rest);
    else if (word === "/say") this.say(rest);
    else if (word === "/nick") this.rename(rest);
    else if (word === "/ping") this.send(`PONG ${rest}`);
    else if (word === "/help") this.send(...HELP);
    else if (word === "/who") this.who([...rooms.get(this.room)]);
    else if (word === "/rooms") this.send(...[...rooms].map(([room, { size }]) => `LIVE ${room} ${size}`), `ROOMS ${rooms.size}`);
    else this.refuse("unknown-command");
  }
  say(text) { tell(this.room, `SAID ${this.name} ${text}`); }
  who(members) { this.send(...members.map(({ name }) => `MEMBER ${name}`), `MEMBERS ${this.room} ${members.length}`); }
  enter(name) {
    if (!NAME.test(name)) return this.refuse("bad-room");
    const room = fold(name);
    if (room === this.room) return this.send(`ROOM ${room}`);
    clearTimeout(this.idleTimer);
    this.leaveRoom(this.room && "moved");
    this.room = room;
    rooms.set(room, (rooms.get(room) ?? new Set()).add(this));
    this.send(`ROOM ${room}`);
    tell(room, `JOINED ${this.name}`, this);
  }
  rename(name) {
    const [old, folded] = [this.name, fold(name)];
    if (!NAME.test(name)) return this.refuse("bad-name");
    if (/^(operator|server)$/.test(folded) || (clients.get(folded) ?? this) !== this) return this.refuse("name-taken");
    clients.delete(fold(old)), clients.set(folded, this);
    this.name = name;
    this.send(`NAME ${name}`);
    if (name !== old) tell(this.room, `NICK ${old} ${name}`, this);
  }
}

const print = (text) => process.stdout.write(text + "\n");
function shutDown() {
  for (const client of connections) client.bye("shutdown");
  server.close((again) => again || process.exit(0)); // when all connections are closed
  setTimeout(() => process.exit(0), 5000); // [OPER-2]
}
function operate(text) {
  const [, word, rest] = /^([^ ]*) ?(.*)$/.exec(text);
  if (text === "exit") shutDown();
  else if (!text.startsWith("/")) for (const room of rooms.keys()) tell(room, `ANNOUNCE ${text}`);
  else if (text === "/who") for (const { name, room } of clients.values()) print(`${name} ${room ?? "(lobby)"}`);
  else if (text === "/rooms") for (const [room, members] of rooms) print(`${room} ${members.size}`);
  else if (word === "/kick") clients.has(fold(rest)) ? clients.get(fold(rest)).bye("removed") : print("no such name");
  else print((text === "/help" ? "" : "no such command: ") + "/who, /rooms, /kick NAME, /help, exit; the rest is announced");
}
async function readConsole() { // its end, or its failure, leaves the server running [OPER-8]
  const reader = new LineReader();
  for await (const chunk of process.stdin)
    for (const [error, text] of reader.lines(chunk)) error ? print(`not announced: ${error}`) : text && operate(text);
}
const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => new Client(socket));
server.on("error", (error) => fail(1, error.message)).listen(option.port, option.host, () => {
  print(`listening on ${option.host}:${server.address().port}`);
  if (!/^(127\.|::1$|localhost$)/.test(option.host)) process.stderr.write("warning: in reach of others, without TLS\n");
  setInterval(() => { connections.forEach((client) => client.checkStall()); wake(); }, 500);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, shutDown);
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {}); // nobody reads it any more
  readConsole().catch(() => {});
});
