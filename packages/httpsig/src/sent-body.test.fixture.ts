import type { Socket } from 'node:net'
import { dataFrame, endFrame, headFrame, preface, resetFrame } from './http2-frames.test.fixture.js'

/** Sends a body in parts, each a chunk or a frame. */
export interface Sending {
  send(...parts: readonly string[]): void
  end(): void
  /** Gives up half-way: the caller resets its stream, or closes its connection. */
  cut(): void
}

function overHttp1(socket: Socket): Sending {
  socket.write('POST / HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n')
  return {
    send: (...parts) => void socket.write(parts.map(part => `${part.length.toString(16)}\r\n${part}\r\n`).join('')),
    end: () => void socket.write('0\r\n\r\n'),
    cut: () => socket.destroy(),
  }
}

function overHttp2(socket: Socket): Sending {
  const headers = { ':method': 'POST', ':scheme': 'http', ':path': '/', ':authority': 'a.example' }
  socket.write(Buffer.concat([preface, headFrame(1, Object.entries(headers))]))
  return {
    send: (...parts) => void socket.write(Buffer.concat(parts.map(part => dataFrame(1, part)))),
    end: () => void socket.write(endFrame(1)),
    cut: () => void socket.write(resetFrame(1, 8)),
  }
}

/** Sends the head of a request, over HTTP/2 or HTTP/1.1, and then its body. */
export const sendingOver = (http2: boolean, socket: Socket): Sending => (http2 ? overHttp2 : overHttp1)(socket)
