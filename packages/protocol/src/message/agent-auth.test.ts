import { verifies } from '@countersign/requirements'
import { readVectors } from '@countersign/vectors'
import fc from 'fast-check'
import { parseItem } from 'structured-headers'
import { describe, expect, test } from 'vitest'
import { type AgentAuth, parseAgentAuth, serializeAgentAuth } from '../index.js'

const tokenChallenge = { authToken: true, resourceToken: 'eyJ.eyJ.sig', authServer: 'https://auth.example' } as const

test.each<readonly [string, AgentAuth]>([
  ['httpsig', {}],
  ['httpsig; identity=?1', { identity: true }],
  ['httpsig; auth-token; resource_token="eyJ.eyJ.sig"; auth_server="https://auth.example"', tokenChallenge],
  [
    'httpsig; user_interaction="https://resource.example/interact/1"',
    { userInteraction: 'https://resource.example/interact/1' },
  ],
  ['httpsig; algs="Ed25519 ES256"', { algs: ['Ed25519', 'ES256'] }],
  ['httpsig; identity=?1; algs="Ed25519"', { identity: true, algs: ['Ed25519'] }],
])(verifies('challenge.syntax', 'challenge.algs', 'is written and read: %s'), (text, challenge) => {
  expect(serializeAgentAuth(challenge)).toBe(text)
  expect(parseAgentAuth(text)).toEqual(challenge)
})

test.each<readonly [string, AgentAuth]>([
  ['httpsig;identity', { identity: true }],
  ['  httpsig;  identity=?1  ', { identity: true }],
  ['httpsig;identity=?0', {}],
  ['httpsig;auth-token=?1;resource_token="eyJ.eyJ.sig";auth_server="https://auth.example"', tokenChallenge],
  ['httpsig;later;also="x;y";n=1;b=:AA==:;t=tok/en;s=%"a%c3%bc\\";identity;d=@1', { identity: true }],
  ['httpsig;note="a\\";identity=1;b\\\\";identity', { identity: true }],
])(
  verifies('challenge.syntax', 'challenge.unknown-parameters', 'CLI-18', 'a challenge is read: %s'),
  (text, challenge) => {
    expect(parseAgentAuth(text)).toEqual(challenge)
  },
)

test.each([
  ...readVectors('challenges', 'refuse').map(({ input }) => input.line),
  ' ',
  'Bearer',
  'httpsig2',
  '1',
  '?1',
  ':aHR0cHNpZw==:',
  '("httpsig")',
  'httpsig identity',
  'httpsig; Identity=?1',
  'httpsig;',
  'httpsig;;identity',
  'httpsig; identity=',
  'httpsig\n',
  'httpsig; auth-token=?0; resource_token="x"; auth_server="y"',
  'httpsig; identity=?2',
  'httpsig; identity="1"',
  'httpsig; identity=yes',
  'httpsig; identity=@1',
  'httpsig; auth-token="eyJ"',
  'httpsig; auth-token',
  'httpsig; auth-token; resource_token="x"',
  'httpsig; auth-token; auth_server="https://auth.example"',
  'httpsig; resource_token="x"; auth_server="y"',
  'httpsig; auth-token; resource_token=x; auth_server="y"',
  'httpsig; auth-token; resource_token; auth_server="y"',
  'httpsig; auth-token; resource_token=""; auth_server="y"',
  'httpsig; auth-token; resource_token=:AA==:; auth_server="y"',
  'httpsig; auth-token; resource_token="x"; auth_server=1',
  'httpsig; auth-token; resource_token=%"x"; auth_server="y"',
  'httpsig; user_interaction',
  'httpsig; user_interaction=tok',
  'httpsig; user_interaction="é"',
  'httpsig; user_interaction="a',
  'httpsig; algs',
  'httpsig; algs=Ed25519',
  'httpsig; algs="a  b"',
  'httpsig; identity; identity',
  'httpsig; x=1; x=1',
  'httpsig; x="a;b"; y; x',
  'httpsig; algs="a"; algs="b"',
  'httpsig; x=%"\\"; y="\\";"; x=1',
  `httpsig; x="${'a'.repeat(102_400)}"`,
])(verifies('CLI-18', 'challenge.syntax', 'challenge.auth-token', 'a challenge is refused: %j'), text => {
  expect(() => parseAgentAuth(text)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  expect(parseAgentAuth('httpsig; identity=?1')).toEqual({ identity: true })
})

describe('unusual data', () => {
  test(verifies('RAT-10', 'quotes and backslashes are escaped'), () => {
    const challenge = { userInteraction: 'https://resource.example/a"b\\c;identity' }
    const text = serializeAgentAuth(challenge)
    expect(text).toBe('httpsig; user_interaction="https://resource.example/a\\"b\\\\c;identity"')
    expect(parseAgentAuth(text)).toEqual(challenge)
  })

  test.each<AgentAuth>([
    { userInteraction: 'https://resource.example/ü' },
    { userInteraction: 'https://resource.example/\n' },
    { ...tokenChallenge, authServer: 'https://auth.example\r\nSet-Cookie: a' },
    { ...tokenChallenge, resourceToken: '\u0000' },
    { algs: ['Ed25519 ES256'] },
    { algs: ['"'] },
    { algs: [''] },
    { authToken: true },
    { authToken: true, resourceToken: 'x' },
    { resourceToken: 'x', authServer: 'y' },
    { userInteraction: 'x'.repeat(16 * 1024) },
  ])(verifies('RAT-10', 'challenge.auth-token', 'what no challenge can say is a TypeError: %j'), challenge => {
    expect(() => serializeAgentAuth(challenge)).toThrow(TypeError)
  })

  test(verifies('RAT-10', 'every written challenge is a valid Item and reads the same'), () => {
    const text = fc.string({ minLength: 1, unit: 'binary-ascii' })
    const challenge: fc.Arbitrary<AgentAuth> = fc.record(
      {
        identity: fc.constant(true as const),
        authToken: fc.constant(true as const),
        resourceToken: text,
        authServer: text,
        userInteraction: fc.oneof(text, fc.webUrl()),
        algs: fc.array(fc.constantFrom('Ed25519', 'ES256', 'x'), { minLength: 1 }),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(challenge, written => {
        let value: string
        try {
          value = serializeAgentAuth(written)
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return
        }
        expect(parseItem(value)[0].toString()).toBe('httpsig')
        expect(parseAgentAuth(value)).toEqual(written)
      }),
      { numRuns: 1000 },
    )
  })
})

test(verifies('CLI-18', 'arbitrary values throw only AAuthError'), () => {
  const pieces = fc.array(
    fc.constantFrom('httpsig', ';', ' ', 'identity', '=', '?1', '"', '\\', '%"', 'a', ':', '@1', 'algs', ','),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        pieces.map(all => `httpsig${all.join('')}`),
      ),
      value => {
        try {
          parseAgentAuth(value)
        } catch (error) {
          expect(error).toMatchObject({ name: 'AAuthError', code: 'invalid_request' })
        }
      },
    ),
    { numRuns: 2000 },
  )
})
