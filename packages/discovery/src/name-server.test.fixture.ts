import { createSocket, type RemoteInfo } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** The answer of a name server: response code and, by record type, the data of its answers. */
export interface Zone {
  readonly rcode: number
  readonly a?: readonly (readonly number[])[]
  readonly aaaa?: readonly (readonly number[])[]
  /** The queried name is an alias (CNAME) of this one, which has the addresses. */
  readonly cname?: string
}

/** A running name server. */
export interface NameServer {
  readonly address: string
  /** The names queried. */
  readonly asked: Set<string>
  /** Every query, in order: type and name. */
  readonly questions: string[]
}

const types = { a: 1, cname: 5, aaaa: 28 }
/** A pointer to the name in the question. */
const theQuestion = [0xc0, 12]

/** A name server for one zone, or for a function called at each query; undefined: no answer. Ends with the test. */
export async function nameServer(zone: Zone | undefined | (() => Zone)): Promise<NameServer> {
  const socket = createSocket('udp4')
  const asked = new Set<string>()
  const questions: string[] = []
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const end = query.indexOf(0, 12) + 5
    const type = query.readUInt16BE(end - 4)
    const name = query
      .subarray(12, end - 5)
      .toString('latin1')
      .replace(/[^a-z]+/g, '.')
    asked.add(name)
    questions.push(`${type === types.aaaa ? 'AAAA' : 'A'} ${name}`)
    const said = typeof zone === 'function' ? zone() : zone
    if (said === undefined) return
    const answers = answersTo(type, said)
    const counts = [0, 1, 0, answers.length, 0, 0, 0, 0]
    const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80 | said.rcode, ...counts])
    socket.send(Buffer.concat([head, query.subarray(12, end), ...answers]), from.port, from.address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>(resolve => socket.close(() => resolve())))
  return { address: `127.0.0.1:${(socket.address() as AddressInfo).port}`, asked, questions }
}

function answersTo(type: number, { a = [], aaaa = [], cname }: Zone): Buffer[] {
  const addresses = type === types.a ? a : type === types.aaaa ? aaaa : []
  if (cname === undefined) return addresses.map(data => record(theQuestion, type, data))
  const canonical = [...cname.split('.').flatMap(label => [label.length, ...Buffer.from(label)]), 0]
  return [record(theQuestion, types.cname, canonical), ...addresses.map(data => record(canonical, type, data))]
}

function record(owner: readonly number[], type: number, data: readonly number[]): Buffer {
  return Buffer.from([...owner, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data])
}
