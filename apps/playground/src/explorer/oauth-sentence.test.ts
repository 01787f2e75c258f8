import { expect, test } from 'vitest'
import type { SentExchange } from '../senders.js'
import { tellOAuth } from './oauth-sentence.js'

const named = { from: 'the client', to: 'the authorization server' }

interface Half {
  readonly body?: string
  readonly headers?: ReadonlyArray<[string, string]>
}

function exchange(
  line: string,
  status: number,
  o: { readonly asked?: Half; readonly answered?: Half } = {},
): SentExchange {
  const [method = '', target = ''] = line.split(' ')
  const half = ({ body = '', headers = [] }: Half = {}): Required<Half> => ({ body, headers })
  return {
    at: 1,
    to: 'http://localhost:1',
    name: 'oauth-server',
    from: 'page',
    request: { method, target, ...half(o.asked) },
    response: { status, ...half(o.answered) },
  }
}

test('a code is redeemed, and a bound token is told apart from a bearer token', () => {
  const asked = { body: 'grant_type=authorization_code' }
  expect(
    tellOAuth(exchange('POST /token', 200, { asked, answered: { body: '{"token_type":"Bearer"}' } }), named),
  ).toEqual({
    kind: 'token',
    sentence: 'The client redeems the code, with its PKCE verifier. The authorization server issues an access token.',
  })
  expect(
    tellOAuth(exchange('POST /token', 200, { asked, answered: { body: '{"token_type":"DPoP"}' } }), named).sentence,
  ).toMatch(/access token, bound to its key\.$/)
})

test('a refusal is told with its reason', () => {
  const answered = { body: '{"error":"invalid_client","error_description":"client authentication failed"}' }
  expect(tellOAuth(exchange('POST /token', 401, { answered }), named)).toEqual({
    kind: 'refused',
    sentence: 'The authorization server issues no token to the client: client authentication failed.',
  })
})

test('a call without a token is a challenge, one with a token is refused', () => {
  expect(tellOAuth(exchange('GET /appointments', 401), { ...named, to: 'the calendar' }).kind).toBe('challenge')
  const asked = { headers: [['authorization', 'Bearer a…']] as Array<[string, string]> }
  const answered = { body: '{"error":"invalid_token"}' }
  expect(tellOAuth(exchange('GET /appointments', 401, { asked, answered }), { ...named, to: 'the calendar' })).toEqual({
    kind: 'refused',
    sentence: 'The client calls GET /appointments, with a bearer token. The calendar answers 401: invalid_token.',
  })
})
