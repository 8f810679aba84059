// socket.io with its Redis adapter, in one process: it sends each message to all sockets in the sender's room.
// Usage: PORT=… REDIS_SOCKET=… node server.js

const { createServer } = require("node:http");
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");
const { Server } = require("socket.io");

async function main() {
  const publisher = createClient({ socket: { path: process.env.REDIS_SOCKET } });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);

  const server = createServer((request, response) => response.writeHead(404).end());
  const io = new Server(server, {
    adapter: createAdapter(publisher, subscriber),
    transports: ["websocket"],
    serveClient: false,
  });
  io.on("connection", (socket) => {
    const { room } = socket.handshake.query;
    socket.join(room);
    socket.on("message", (text) => io.to(room).emit("message", text));
  });
  server.listen(Number(process.env.PORT), "127.0.0.1");
}

main();
