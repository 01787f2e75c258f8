import { generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto'
import { fdatasync, openSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import Database from 'libsql'
import { answerMeasurements } from './measured-process.js'

/** What the bench tells this process. */
export interface FloorOrder {
  /** A database of an auth server, with its tables. */
  readonly file: string
}

const [verifyOnPool, datasync] = [promisify(verify), promisify(fdatasync)]

/**
 * The least that a direct grant costs: the request is read, two signatures are verified on the pool and one is made on this thread, as the
 * server does it, all of bytes that are there already; a row of a grant is written, many in one commit, and on the disk before a token of the usual length is answered.
 */
async function run({ file }: FloorOrder): Promise<number> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const message = Buffer.alloc(1000, 'x')
  const signature = sign(null, message, privateKey)
  const store = rows(file)
  const server = createServer((request, response: ServerResponse) => {
    request.on('data', () => undefined)
    request.on('end', async () => {
      for (let count = 0; count < 2; count++)
        if (!(await verifyOnPool(null, message, publicKey, signature))) throw new Error('a signature is wrong')
      sign(null, message, privateKey)
      await store()
      const body = JSON.stringify({ auth_token: 'x'.repeat(700), expires_in: 600, refresh_token: 'x'.repeat(43) })
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Stores a grant with those that came meanwhile. */
function rows(file: string): () => Promise<void> {
  const database = new Database(file)
  database.exec('pragma synchronous = normal')
  const log = openSync(`${file}-wal`, 'r+')
  const insert = database.prepare(
    `insert into auth_server_grants (refresh_hash, id, agent, agent_delegate, resource, scope, created, last_used)
      values (?, ?, 'https://agent.example', ?, 'https://calendar.example', 'events.read', 1, 1)`,
  )
  let waiting: Array<() => void> = []
  let isBusy = false
  const commit = async (): Promise<void> => {
    isBusy = true
    while (waiting.length > 0) {
      const now = waiting
      waiting = []
      database.exec('begin immediate')
      for (const _ of now) insert.run([randomUUID(), randomUUID(), randomUUID()])
      database.exec('commit')
      await datasync(log)
      for (const done of now) done()
    }
    isBusy = false
  }
  return () =>
    new Promise(resolve => {
      waiting.push(resolve)
      if (!isBusy) setImmediate(() => isBusy || void commit())
    })
}

answerMeasurements(run)
