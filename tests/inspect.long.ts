import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateSigningKey, signRequest } from '@countersign/httpsig'
import { jwks, signToken } from '@countersign/protocol'
import { afterAll, expect, test } from 'vitest'
import { run, stand } from './processes.fixture.js'

// `countersign inspect`, as a developer runs it whose request was refused.

const place = stand()
afterAll(() => place.stop())
const file = (name: string, content: string): string => {
  const path = join(place.folder, name)
  writeFileSync(path, content)
  return path
}

const key = await generateSigningKey()
const url = 'https://calendar.example/events?a=b'
const lines = await signRequest({ method: 'GET', url, key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } })

function request(target: string): string {
  const headers = [['Host', 'calendar.example'], ...lines].map(line => line.join(': '))
  return file(`request${target.length}`, [`GET ${target} HTTP/1.1`, ...headers, '', ''].join('\r\n'))
}

test('a request: exit code 0 when it verifies, 1 with the cause when not', async () => {
  const right = await run(['inspect', request('/events?a=b')])
  expect([right.code, right.stderr]).toEqual([0, ''])
  expect(right.stdout).toContain('\nverdict: the signature verifies\n')
  const wrong = await run(['inspect', request('/events/?a=b')])
  expect([wrong.code, wrong.stderr]).toEqual([1, ''])
  expect(
    wrong.stdout,
  ).toContain(`verdict: refused, 401 invalid_signature (signature_wrong): The signature does not verify under the key of Signature-Key.
  1. path_slash (@path): sign @path with the trailing slash it is sent with
       received  /events/
       signed    /events
`)
  const json = await run(['inspect', request('/events/?a=b'), '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({
    kind: 'request',
    ok: false,
    verdict: 'refused',
    signature: 'changed',
    findings: [{ reason: 'path_slash', at: '@path', received: '/events/', expected: '/events' }],
  })
})

test('a token and a challenge are read from the command line, a response from a file', async () => {
  const now = Math.floor(Date.now() / 1000)
  const token = await signToken({
    typ: 'agent+jwt',
    key,
    kid: 'k1',
    claims: {
      iss: 'https://agent.example',
      sub: 'laptop',
      cnf: { jwk: key.publicJwk },
      iat: now,
      exp: now + 300,
      jti: 'j1',
    },
  })
  const keys = file('keys.json', JSON.stringify(jwks([{ kid: 'k1', key }])))
  const verified = await run(['inspect', token, '--key', keys])
  expect([verified.code, verified.stdout.split('\n').at(-2)]).toEqual([0, 'verdict: in order; signature verified'])
  const expired = await run(['inspect', token, '--key', keys, '--now', String(now + 301)])
  expect([expired.code, expired.stdout.split('\n').slice(-3, -1)]).toEqual([
    1,
    ['verdict: wrong: The token has expired. (invalid_agent_token, token_expired)', '  fix: Get a new token.'],
  ])
  const challenge = await run(['inspect', 'Agent-Auth: httpsig; identity=?1'])
  expect([challenge.code, challenge.stdout]).toEqual([
    0,
    'challenge (Agent-Auth)\n  asks you to  identify yourself: sign with jwks_uri or an agent token\nverdict: well-formed\n',
  ])
  const response = file('response', 'HTTP/1.1 401 Unauthorized\r\nAgent-Auth: httpsig; identity=?1\r\n\r\n{}')
  expect(await run(['inspect', response])).toEqual(challenge)
})

test('any other input is exit code 2, and is not repeated in the output', async () => {
  const none = await run(['inspect', 'eyJhbGciOiJub25l'])
  expect([none.code, none.stdout]).toEqual([2, ''])
  expect(none.stderr).toContain('there is no such file, and the argument is neither a token nor a challenge')
  expect(none.stderr).not.toContain('eyJ')
  expect((await run(['inspect', file('text', 'hello world')])).stderr).toContain(
    'neither a token, a challenge, nor a raw HTTP',
  )
  expect((await run(['inspect', file('text', 'hello')])).code).toBe(2)
  expect((await run(['inspect', 'httpsig', '--now', 'soon'])).code).toBe(2)
})
