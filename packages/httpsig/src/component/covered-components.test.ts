import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import {
  type Draft,
  get,
  inlineKey,
  NOW,
  post,
  refused,
  send,
  verdict,
  withHeader,
  withLine,
} from '../signed-message.test.fixture.js'

const covering = (components: readonly string[], change: Partial<Draft> = {}) => send({ ...get, ...change, components })
const plain = get.components

async function expectAccepted(accepted: Draft = get): Promise<void> {
  expect(await verdict(send(accepted))).toBe('accepted')
}

test(verifies('COV-01', 'COV-02', 'sig.covered.always', 'each of the four is required'), async () => {
  await expectAccepted()
  expect(await verdict(covering([]))).toBe(refused)
  for (const name of plain) expect(await verdict(covering(plain.filter(other => other !== name))), name).toBe(refused)
})

test(verifies('COV-03', 'an uncovered Signature-Key cannot be swapped'), async () => {
  const uncovered = covering(plain.filter(name => name !== '"signature-key"'))
  const swapped = 'sig=jwks_uri;id="https://other.example";kid="k";dwk="aauth-agent"'
  expect(await verdict(withHeader(uncovered, 'signature-key', swapped))).toBe(refused)
  expect(await verdict(withHeader(send(get), 'signature-key', swapped))).toBe(refused)
  expect(await verdict(withHeader(send(get), 'signature-key', `sig=${inlineKey};note="x"`))).toBe(refused)
  await expectAccepted({ ...get, signatureKey: `${inlineKey};note="x"` })
})

test(
  verifies('COV-04', 'COV-05', 'sig.covered.query', '@query exactly when the target has a question mark'),
  async () => {
    const query = [...plain, '"@query"']
    for (const target of ['/events?a=b', '/events?']) {
      expect(await verdict(covering(query, { target }))).toBe('accepted')
      expect(await verdict(covering(plain, { target }))).toBe(refused)
    }
    expect(await verdict(covering(query, { values: { '"@query"': '?' } }))).toBe(refused)
    expect(await verdict({ ...covering(query, { target: '/events?a=b' }), target: '/events?a=c' })).toBe(refused)
  },
)

test(
  verifies(
    'COV-08',
    'DIG-12',
    'DIG-13',
    'sig.covered.body',
    'sig.body.bytes',
    'a body needs both its components, whatever the method',
  ),
  async () => {
    for (const method of ['POST', 'GET', 'DELETE', 'HEAD']) {
      await expectAccepted({ ...post(), method })
      for (const left of [['"content-type"'], ['"content-digest"'], ['"content-type"', '"content-digest"']])
        expect(
          await verdict(
            send({ ...post(), method, components: post().components.filter(name => !left.includes(name)) }),
          ),
        ).toBe(refused)
    }
  },
)

test(verifies('sig.body.uncovered', 'a body added in flight is refused'), async () => {
  await expectAccepted()
  expect(await verdict({ ...send(get), body: new Uint8Array([1]) })).toBe(refused)
  expect(await verdict({ ...send(get), body: new Uint8Array() })).toBe('accepted')
})

test(verifies('sig.body.content-type', 'a signed body without Content-Type is refused'), async () => {
  await expectAccepted(post())
  expect(await verdict(withHeader(send(post()), 'content-type', undefined))).toBe(refused)
  const without = { ...post(), headers: post().headers.filter(([name]) => name !== 'Content-Type') }
  expect(await verdict(send(without))).toBe(refused)
  expect(await verdict(send({ ...without, components: [...get.components, '"content-digest"'] }))).toBe(refused)
})

test(
  verifies(
    'COV-09',
    'COV-44',
    'COV-45',
    'sig.covered.body-absent',
    'of a message without a body its type may be covered',
  ),
  async () => {
    const { body: _, ...bodiless } = post('')
    const typed = bodiless.components.filter(name => name !== '"content-digest"')
    for (const components of [bodiless.components, bodiless.components.filter(name => name !== '"content-type"')])
      expect(await verdict(send({ ...bodiless, components }))).toBe(refused)
    expect(await verdict(send({ ...bodiless, components: typed }))).toBe('accepted')
    const untyped = bodiless.headers.filter(([name]) => name.toLowerCase() !== 'content-type')
    expect(await verdict(send({ ...bodiless, headers: untyped, components: typed }))).toBe(refused)
    await expectAccepted({
      ...bodiless,
      components: get.components,
      headers: [...bodiless.headers, ['Content-Length', '0']],
    })
  },
)

test(verifies('COV-10', 'sig.covered.order', 'components may be covered in any order'), async () => {
  expect(await verdict(covering([...plain].reverse()))).toBe('accepted')
})

test(verifies('COV-11', 'sig.covered.once', 'a component that is covered twice is refused'), async () => {
  await expectAccepted()
  for (const name of plain) expect(await verdict(covering([...plain, name]))).toBe(refused)
  const headers = [...get.headers, ['X-A', '1']] as const
  expect(await verdict(covering([...plain, '"x-a";bs', '"x-a"'], { headers, values: { '"x-a";bs': ':MQ==:' } }))).toBe(
    'accepted',
  )
  expect(
    await verdict(covering([...plain, '"x-a";bs', '"x-a";bs'], { headers, values: { '"x-a";bs': ':MQ==:' } })),
  ).toBe(refused)
})

test(
  verifies('COV-12', 'COV-13', 'sig.authority.target-uri', 'others stand beside the required ones, not in their place'),
  async () => {
    for (const other of ['"@target-uri"', '"@request-target"', '"@scheme"']) {
      expect(await verdict(covering([...plain, other])), other).toBe('accepted')
      for (const left of ['"@authority"', '"@path"'])
        expect(await verdict(covering([...plain.filter(name => name !== left), other]))).toBe(refused)
    }
    expect(await verdict(covering([...plain, '"@scheme"']), { scheme: 'http' })).toBe(refused)
    expect(
      await verdict(
        covering([...plain, '"@target-uri"'], { values: { '"@target-uri"': 'https://evil.example/events' } }),
      ),
    ).toBe(refused)
    const target = '/events?a=b'
    const parameter = '"@query-param";name="a"'
    expect(await verdict(covering([...plain, parameter], { target, values: { [parameter]: 'b' } }))).toBe(refused)
    expect(await verdict(covering([...plain, '"@query"', parameter], { target, values: { [parameter]: 'b' } }))).toBe(
      'accepted',
    )
  },
)

test(
  verifies('COV-14', 'sig.covered.parameters', 'a component with parameters does not count as the plain one'),
  async () => {
    await expectAccepted()
    const key = `sig=${inlineKey}`
    const values = {
      '"signature-key";sf': key,
      '"signature-key";bs': `:${btoa(key)}:`,
      '"signature-key";key="sig"': inlineKey,
    }
    for (const written of Object.keys(values)) {
      expect(await verdict(covering([...plain, written], { values })), written).toBe('accepted')
      expect(await verdict(covering([...plain.slice(0, 3), written], { values })), written).toBe(refused)
    }
    for (const written of [
      '"@method";req',
      '"@path";sf',
      '"signature-key";tr',
      '"signature-key";req',
      '"host";sf',
      '"signature-key";sf;bs',
      '"signature-key";key=sig',
      '"signature-key";key="no"',
      '"signature-key";x',
    ])
      expect(await verdict(covering([...plain, written], { values: { [written]: 'x' } })), written).toBe(refused)
  },
)

test(
  verifies('COV-15', 'COV-16', 'COV-18', 'sig.covered.known', 'an unknown or missing component is refused'),
  async () => {
    await expectAccepted()
    for (const written of [
      '"@foo"',
      '"@status"',
      '"@signature-params"',
      '"@query-param"',
      '"x-missing"',
      '"Content-Type"',
      '"x a"',
      '"x\\"a"',
      '""',
      '"@"',
    ])
      expect(
        await verdict(
          covering([...plain, written], { headers: [...get.headers, ['@foo', 'x'], ['Content-Type', 'a/b']] }),
        ),
        written,
      ).toBe(refused)
    expect(
      await verdict(withLine(covering([...plain.slice(1)], { values: { '"@method"': 'GET' } }), '@method', 'GET')),
    ).toBe(refused)
  },
)

test(
  verifies('COV-17', 'COV-36', 'sig.covered.more', 'ordinary fields may be covered; only inner space counts'),
  async () => {
    const draft: Draft = {
      ...get,
      components: [...plain, '"accept"', '"x-a"'],
      headers: [...get.headers, ['Accept', '  a  b '], ['X-A', '1'], ['X-A', ' 2\t']],
    }
    await expectAccepted(draft)
    const message = send(draft)
    expect(await verdict(withHeader(message, 'accept', '\ta  b'))).toBe('accepted')
    expect(await verdict(withHeader(message, 'accept', 'a b'))).toBe(refused)
    expect(await verdict(withHeader(message, 'x-a', '1, 2'))).toBe('accepted')
    expect(await verdict(withHeader(message, 'x-a', '1,2'))).toBe(refused)
  },
)

test(verifies('COV-37', 'COV-39', 'a line break in a covered value answers 400'), async () => {
  const draft: Draft = { ...get, components: [...plain, '"x-a"'], headers: [...get.headers, ['X-A', '1']] }
  await expectAccepted(draft)
  for (const value of ['1\n"@method": GET', '1\r\n 2', '1\0'])
    expect(await verdict(withHeader(send(draft), 'x-a', value))).toBe('400 invalid_request')
  expect(await verdict(withHeader(send({ ...draft, headers: [...get.headers, ['X-A', 'é']] }), 'x-a', 'é'))).toBe(
    refused,
  )
})

test(
  verifies('COV-19', 'COV-20', 'COV-43', 'sig.method.override', 'the signed method is the one on the wire'),
  async () => {
    const message = send(get)
    for (const method of ['POST', 'HEAD']) expect(await verdict({ ...message, method })).toBe(refused)
    for (const name of ['X-HTTP-Method-Override', 'X-User-Id', 'Cookie'])
      expect(await verdict(withLine(message, name, 'DELETE'))).toBe('accepted')
  },
)

test(
  verifies('COV-47', 'sig.method.upper-case', 'a method in lower case is refused, also where it was signed'),
  async () => {
    await expectAccepted()
    for (const method of ['get', 'Get', 'post', 'patch', 'foo']) {
      expect(await verdict(send({ ...get, method }))).toBe('400 invalid_request')
      expect(await verdict({ ...send(get), method })).toBe('400 invalid_request')
      expect(await verdict(send({ ...get, method: method.toUpperCase() }))).toBe('accepted')
    }
  },
)

test(
  verifies('sig.covered.demanded', 'components that a route requires must be covered when the request has them'),
  async () => {
    const headers = [...get.headers, ['X-A', '1']] as const
    const requiredComponents = ['x-a', 'x-b', '@query', '@target-uri', 'content-digest']
    expect(await verdict(covering([...plain, '"x-a"', '"@target-uri"'], { headers }), { requiredComponents })).toBe(
      'accepted',
    )
    expect(await verdict(covering([...plain, '"@target-uri"']), { requiredComponents })).toBe('accepted')
    expect(await verdict(covering([...plain, '"@target-uri"'], { headers }), { requiredComponents })).toBe(refused)
    expect(await verdict(covering([...plain, '"x-a"'], { headers }), { requiredComponents })).toBe(refused)
  },
)

test(
  verifies(
    'DOS-02',
    'DOS-03',
    'limits.components',
    'limits.before-parsing',
    'many and long things are refused, quickly',
  ),
  async () => {
    const headers = [...get.headers, ...Array.from({ length: 29 }, (_, i) => [`x-${i}`, '1'] as const)]
    const extra = (count: number) => Array.from({ length: count }, (_, i) => `"x-${i}"`)
    expect(await verdict(covering([...plain, ...extra(28)], { headers }))).toBe('accepted')
    expect(await verdict(covering([...plain, ...extra(29)], { headers }))).toBe(refused)
    expect(await verdict(covering(Array.from({ length: 1000 }, (_, i) => `"x-${i}"`)))).toBe(refused)
    const hostile = [
      covering(Array.from({ length: 10_000 }, (_, i) => `"x-${i}"`)),
      covering(plain, { parameters: `;created=${NOW}${';a=1'.repeat(10_000)}` }),
      ...['"', '(', '\\', ';', ',', '("', '"\\', '=('].map(text =>
        withHeader(send(get), 'signature-input', `sig=${text.repeat(50_000)}`),
      ),
      ...['"', '(', '\\', ';', ':'].map(text => withHeader(send(get), 'signature', `sig=${text.repeat(50_000)}`)),
      withHeader(send(get), 'signature-input', `sig=("${'x'.repeat(1_000_000)}");created=${NOW}`),
    ]
    const start = performance.now()
    for (const message of hostile) expect(await verdict(message)).toBe('431 invalid_request')
    expect((performance.now() - start) / hostile.length).toBeLessThan(50)
  },
)
