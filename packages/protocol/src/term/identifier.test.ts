import { verifies } from '@countersign/requirements'
import { readVectors } from '@countersign/vectors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authorityOf, isIdentifier, wellKnownUrl } from '../index.js'
import { schemeOf } from '../internal.js'

const longLabel = 'a'.repeat(63)
const longestHost = `${longLabel}.${longLabel}.${longLabel}.${'a'.repeat(61)}`

/** Identifiers of the vectors that show a clause. */
function ofVectors(clause: string, o: { result: 'accept' | 'refuse'; development: boolean }): string[] {
  return readVectors('identifiers', o.result).flatMap(({ clauses, input }) =>
    clauses.includes(clause) && input.development === o.development ? [input.value] : [],
  )
}

test.each([
  ...ofVectors('id.canonical', { result: 'accept', development: false }),
  'https://agent.example:80',
  'https://agent.example:65535',
  'https://a',
  'https://a-b.c--d.example',
  'https://1.agent.example',
  'https://1e.0xg',
  `https://${longestHost}`,
  `https://${longestHost}:65535`,
])(verifies('id.canonical', '%s is an identifier'), id => {
  expect(isIdentifier(id)).toBe(true)
  expect(isIdentifier(id, { development: true })).toBe(true)
})

const malformed: readonly unknown[] = [
  ...ofVectors('id.canonical', { result: 'refuse', development: false }),
  'https://',
  'https:agent.example',
  'https:///agent.example',
  '//agent.example',
  'ftp://agent.example',
  'wss://agent.example',
  'urn:agent',
  'null',
  'https://agent.example?',
  'https://agent.example?a=b',
  'https://agent.example#',
  'https://agent.example#a',
  'https://agent.example\\',
  'https://agent.example\\@evil',
  'https://u:p@agent.example',
  'https://@agent.example',
  'https://agent.example:0',
  'https://agent.example:99999999',
  'https://agent.example:-1',
  'https://agent.example:a',
  'https://AGENT.EXAMPLE',
  'https://.agent.example',
  'https://a..b',
  ' https://agent.example',
  'https://agent\t.example',
  'https://a\0',
  'https://ａgent.example',
  'https://agent。example',
  'https://agent%2eexample',
  'https://xn--.example',
  'https://xn--a-.example',
  'https://-a.example',
  'https://a-.example',
  'https://a_b.example',
  'https://*.example',
  'https://a,b',
  `https://${'a'.repeat(64)}.example`,
  `https://${longestHost}a`,
  undefined,
  null,
  7,
  true,
  {},
  [],
  ['https://agent.example'],
  new String('https://agent.example'),
]

test.each(malformed.map(value => [String(JSON.stringify(value)).slice(0, 60), value] as const))(
  verifies('SCH-06', 'id.canonical', 'JWT-09', '%s is refused, also in development'),
  (_, value) => {
    expect(isIdentifier(value)).toBe(false)
    expect(isIdentifier(value, { development: true })).toBe(false)
    expect(isIdentifier('https://agent.example')).toBe(true)
  },
)

describe('addresses', () => {
  test.each(['https://127.0.0.1', 'https://10.0.0.1:8443', 'https://[::1]', 'https://[2001:db8::1]:8443'])(
    verifies('id.ip', 'DSC-01', '%s is an identifier in development only'),
    id => {
      expect(isIdentifier(id)).toBe(false)
      expect(isIdentifier(id, { development: true })).toBe(true)
    },
  )

  test.each([
    'https://127.1',
    'https://2130706433',
    'https://0x7f.1',
    'https://0177.0.0.1',
    'https://0',
    'https://0x7f000001',
    'https://127.0.0.01',
    'https://256.0.0.1',
    'https://1.2.3',
    'https://a.0x',
    'https://a.1',
    'https://①②⑦.⓪.⓪.①',
    'https://[0:0:0:0:0:0:0:1]',
    'https://[::0001]',
    'https://[::1%25eth0]',
    'https://[::ffff:127.0.0.1]',
    'https://[]',
  ])(verifies('DSC-01', 'DSC-04', 'id.ip', '%s is refused everywhere'), id => {
    expect(isIdentifier(id)).toBe(false)
    expect(isIdentifier(id, { development: true })).toBe(false)
  })
})

describe('http', () => {
  test.each([
    ...ofVectors('id.development.explicit', { result: 'accept', development: true }),
    'http://localhost',
    'http://127.255.0.9',
  ])(verifies('id.development.loopback', 'id.development.explicit', 'admits %s in development only'), id => {
    expect(isIdentifier(id)).toBe(false)
    expect(isIdentifier(id, {})).toBe(false)
    expect(isIdentifier(id, { development: false })).toBe(false)
    expect(isIdentifier(id, { development: true })).toBe(true)
  })

  test.each([
    ...ofVectors('id.development.explicit', { result: 'refuse', development: true }),
    'http://a.localhost',
    'http://localhost.example',
    'http://localhost.',
    'http://128.0.0.1',
    'http://10.0.0.1',
    'http://127.1',
    'http://0.0.0.0',
    'http://[::]',
    'http://[::2]',
    'http://127.0.0.256',
    'http://127.0.0.01',
    'http://LOCALHOST',
    'http://localhost/',
    'http://127.0.0.1.example',
  ])(verifies('id.development.loopback', 'never admits %s'), id => {
    expect(isIdentifier(id, { development: true })).toBe(false)
  })
})

test(verifies('id.equal', 'an accepted identifier is in the spelling of URL parsers'), () => {
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV4Extended(),
    fc.ipV6().map(ip => `[${ip}]`),
    fc.stringMatching(/^[a-zA-Z0-9.\-:[\]%]{1,20}$/),
  )
  fc.assert(
    fc.property(
      fc.constantFrom('https', 'http', 'HTTPS'),
      host,
      fc.option(fc.nat(70_000)),
      fc.constantFrom('', '/', '.'),
      (scheme, name, port, end) => {
        const id = `${scheme}://${name}${port === null ? '' : `:${port}`}${end}`
        if (isIdentifier(id, { development: true })) expect(new URL(id).origin).toBe(id)
      },
    ),
    { numRuns: 2000 },
  )
})

test(verifies('id.metadata.location', 'parts of an identifier'), () => {
  expect(wellKnownUrl('https://agent.example', 'aauth-agent')).toBe('https://agent.example/.well-known/aauth-agent')
  expect(wellKnownUrl('http://localhost:4120', 'aauth-issuer')).toBe('http://localhost:4120/.well-known/aauth-issuer')
  expect(authorityOf('https://agent.example:8443')).toBe('agent.example:8443')
  expect(authorityOf('http://[::1]:4110')).toBe('[::1]:4110')
  expect(schemeOf('https://agent.example')).toBe('https')
  expect(schemeOf('http://localhost')).toBe('http')
})

test(verifies('id.canonical', 'a host of more than 253 characters is no name of DNS'), () => {
  expect(longestHost).toHaveLength(253)
  for (const host of [`${longestHost}a`, `${longestHost}.a`, `a.${longestHost}`]) {
    expect(isIdentifier(`https://${host}`)).toBe(false)
    expect(isIdentifier(`https://${host}`, { development: true })).toBe(false)
  }
})
