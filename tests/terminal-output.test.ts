import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { folderOfTest } from '@countersign/testing/folders'
import { listenOn } from '@countersign/testing/listening'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from './processes.fixture.js'

// Control characters that a hostile server, or a file of another person, could send to a terminal.

const hostile = '\u009b31m\u001b[2J\u0007'
const controls = /(?![\n\t])[\p{Cc}\u202e]/u

let url: string
const server = createServer(socket => {
  socket.on('error', () => {})
  socket.once('data', () => {
    const body = '{"a":"\u009b\u202e"}'
    const challenge = 'Agent-Auth: httpsig; auth-token; resource_token="x"; auth_server="https://a.example; rm -rf ~"'
    const head = `HTTP/1.1 401 \u00c2\u009b31mNo\r\nX-Odd: a\u009b31m\u0085b\r\n${challenge}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`
    socket.end(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]))
  })
})

beforeAll(async () => {
  const portOfServer = await listenOn(server)
  url = `http://127.0.0.1:${portOfServer}/`
})
afterAll(() => server.close())

test('fetch shows status text and headers with their controls escaped, and no invalid address', async () => {
  const { stdout, stderr } = await run(['fetch', url, '--as', 'anonymous', '--verbose'])
  expect(stderr).toContain('< 401 \\u009b31mNo')
  expect(stderr).toContain('< x-odd: a\\u009b31m\\u0085b')
  expect(stderr).not.toMatch(controls)
  // Not a terminal: the body goes there as it came.
  expect(stdout).toBe('{"a":"\u009b\u202e"}')
  const json = await run(['fetch', url, '--as', 'anonymous', '--json'])
  expect(json.stdout).not.toMatch(controls)
  expect(JSON.parse(json.stdout).body).toBe('{"a":"\u009b\u202e"}')
  const pseudonym = await run(['fetch', url, '--as', 'pseudonym', '--development'])
  expect(pseudonym.stderr).not.toContain('rm -rf')
})

test('inspect shows the authority, the method and the headers of a request with their controls escaped', async () => {
  const file = join(folderOfTest(), 'request.txt')
  writeFileSync(file, Buffer.from(`GET /x HTTP/1.1\nHost: a${hostile}b\nSignature-Key: sig=${hostile}\n\n`, 'latin1'))
  for (const flags of [[], ['--json']]) {
    const { stdout, stderr } = await run(['inspect', file, ...flags])
    expect(`${stdout}${stderr}`).toContain('u001b')
    expect(`${stdout}${stderr}`).not.toMatch(controls)
  }
  const plain = await run(['inspect', file, '--authority', 'a.example'])
  expect(plain.stdout).toContain('GET request to a.example')
})
