import { expect, test } from 'vitest'
import type { SentExchange } from '../senders.js'
import { tell } from './sentence.js'

const named = { from: 'the agent', to: 'the calendar' }

function exchange(
  asked: string,
  status: number,
  { body = '', answer = '', headers = [] as Array<[string, string]>, signed = true } = {},
): SentExchange {
  const [method = '', target = ''] = asked.split(' ')
  const signature: Array<[string, string]> = signed ? [['signature-key', 'sig=hwk']] : []
  return {
    at: 1,
    to: 'http://localhost:1',
    name: 'x',
    from: 'page',
    request: { method, target, headers: signature, body },
    response: { status, headers, body: answer },
  }
}

test.each([
  [
    'a read of keys',
    exchange('GET /.well-known/jwks.json', 200),
    'discovery',
    'The agent reads the public keys of the calendar.',
  ],
  [
    'a challenge for a level',
    exchange('GET /agenda', 401, { headers: [['agent-auth', 'httpsig; identity=?1']], signed: false }),
    'challenge',
    'The agent calls GET /agenda, unsigned. The calendar answers 401: it wants to know which agent this is.',
  ],
  [
    'a call of a tool',
    exchange('POST /mcp', 200, { body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}}' }),
    'call',
    'The agent calls POST /mcp tools/call pay, signed. The calendar answers.',
  ],
  [
    'a token request',
    exchange('POST /agent/token', 200, { body: 'request_type=auth', answer: '{"auth_token":"a"}' }),
    'token',
    'The agent shows the resource token. The calendar issues an auth token that is bound to its key.',
  ],
  [
    'a refused token request',
    exchange('POST /agent/token', 400, { body: 'request_type=code', answer: '{"error":"invalid_code"}' }),
    'refused',
    'The calendar refuses to issue a token: invalid_code.',
  ],
  [
    'a refused call',
    exchange('POST /events', 403, { answer: '{"error":"policy_denied","error_description":"not at this hour."}' }),
    'refused',
    'The agent calls POST /events, signed. The calendar answers 403: not at this hour.',
  ],
])('%s is told in a sentence', (_, sent, kind, sentence) => {
  expect(tell(sent, named)).toEqual({ kind, sentence })
})

test('a scripted user is named, and what the user decides', () => {
  const decided = exchange('POST /agent/consent', 303, { body: 'decision=allow', signed: false })
  expect(tell(decided, { from: 'the user', to: 'the auth server', person: 'Ada Lovelace' })).toEqual({
    kind: 'page',
    sentence: 'Ada Lovelace decides at the auth server: allow.',
  })
})
