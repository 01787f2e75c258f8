import { createServer } from 'node:http'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { listenOn } from '@countersign/testing/listening'
import { send, type Wire } from '@countersign/testing/wire'
import { asAgent, asKey } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { type Change, cases, expectRefusal, header, plus, without } from './altered.test.fixture.js'
import { calendarScene } from './calendar.test.fixture.js'
import { signByHand } from './world.test.fixture.js'

const { world, calendar, as, now } = await calendarScene()

const get = (o: { target?: string } = {}) => world.request({ as, target: o.target ?? '/feed' })

const renamed = (name: string, label: string) => header(name, value => value.replace(/^sig=/, `${label}=`))
const twice = (name: string) => header(name, value => `${value}, ${value.replace(/^sig=/, 'sig2=')}`)

const lineOf = (wire: Wire, name: string) => wire.headers.find(([key]) => key === name)?.[1]

/** A signature of Web Bot Auth beside, or alone. */
const withBot: Change = wire => {
  const input = `wba=("@authority");created=${now};keyid="bot";tag="web-bot-auth"`
  const signature = `wba=:${'A'.repeat(86)}==:`
  const joined = (name: string, more: string) =>
    [lineOf(wire, name), more].filter(text => text !== undefined).join(', ')
  return plus(
    'signature-input',
    joined('signature-input', input),
  )(plus('signature', joined('signature', signature))(without('signature-input', 'signature')(wire)))
}

describe('headers and labels', () => {
  test.each(
    cases([
      ['SIG-02 sig.headers.all', 'no Signature-Key', without('signature-key')],
      ['SIG-02', 'no Signature-Input', without('signature-input')],
      ['SIG-02', 'no Signature', without('signature')],
      ['SIG-01', 'none of the three', without('signature', 'signature-input', 'signature-key')],
      ['SIG-03 sig.headers.status', 'an empty Signature', header('signature', () => '')],
      ['SIG-03', 'an empty Signature-Input', header('signature-input', () => '  ')],
      ['SIG-03', 'an empty Signature-Key', header('signature-key', () => '')],
      ['SIG-04 sig.headers.label', 'another label in Signature', renamed('signature', 'sig1')],
      ['SIG-04', 'another label in Signature-Input', renamed('signature-input', 'sig1')],
      ['SIG-04', 'another label in Signature-Key', renamed('signature-key', 'sig1')],
      ['SIG-05 sig.headers.one-member', 'two members in Signature-Key', twice('signature-key')],
      [
        'SIG-33 sig.headers.one-member',
        'two members in Signature-Key, all of them valid',
        (wire: Wire) => ['signature', 'signature-input', 'signature-key'].reduce((w, n) => twice(n)(w), wire),
      ],
      [
        'SIG-33',
        'two lines of Signature-Key, all of them valid',
        (wire: Wire) =>
          plus(
            'Signature-Key',
            (lineOf(wire, 'signature-key') ?? '').replace('sig=', 'sig2='),
          )(['signature', 'signature-input'].reduce((w, n) => twice(n)(w), wire)),
      ],
      [
        'SIG-35 sig.headers.duplicates',
        'a parameter twice in another member',
        header('signature-input', value => `${value}, wba=("@authority");created=1;created=2`),
      ],
      ['SIG-31', 'another member that is broken off', header('signature-input', value => `${value}, wba=(`)],
      [
        'SIG-34 sig.headers.lost',
        'no Signature-Key beside a tagged signature',
        (wire: Wire) => without('signature-key')(withBot(wire)),
      ],
      [
        'SIG-08 sig.headers.duplicates',
        'two lines of Signature',
        (wire: Wire) => plus('signature', wire.headers.find(([n]) => n === 'signature')?.[1] ?? '')(wire),
      ],
      [
        'SIG-08',
        'two lines of Signature-Key',
        (wire: Wire) => plus('Signature-Key', wire.headers.find(([n]) => n === 'signature-key')?.[1] ?? '')(wire),
      ],
      [
        'SIG-15 sig.key.parameters',
        'a parameter that is no string',
        header('signature-key', value => value.replace(/x="[^"]*"/, 'x=abc')),
      ],
      ['SIG-16', 'a Signature without its last colon', header('signature', value => value.slice(0, -1))],
      [
        'SIG-17 sig.headers.dictionary',
        'a Signature-Input that is a token',
        header('signature-input', () => 'sig=abc'),
      ],
    ]),
  )('%s', async (_, change) => {
    await expectRefusal(calendar, await get(), change, { status: 401, error: 'invalid_signature' })
  })

  test(verifies('SIG-10', 'labels that are no keys'), async () => {
    for (const label of ['SIG', '1sig', '-x', 'a'.repeat(300)]) {
      const all: Change = wire =>
        ['signature', 'signature-input', 'signature-key'].reduce((w, n) => renamed(n, label)(w), wire)
      await expectRefusal(calendar, await get(), all, { status: 401 })
    }
  })

  test(verifies('SIG-11', 'an odd but legal label passes'), async () => {
    const input = `("@method" "@authority" "@path" "signature-key");created=${now}`
    const answer = await send(calendar.port, await signByHand({ as, input, target: '/feed', label: '*a.b-c_1' }))
    expect(answer.status, answer.body).toBe(200)
  })

  test(
    verifies(
      'SIG-24',
      'SIG-34',
      'sig.headers.others',
      'a signature of Web Bot Auth identifies no caller, beside another or alone',
    ),
    async () => {
      const beside = await send(calendar.port, withBot(await get()))
      const plain = await send(calendar.port, await get())
      expect(JSON.parse(beside.body)).toEqual(JSON.parse(plain.body))
      const open = { target: '/public' }
      const bare = without('signature', 'signature-input', 'signature-key')(await get(open))
      const alone = await send(calendar.port, withBot(bare))
      expect([alone.status, JSON.parse(alone.body).aauth.level]).toEqual([200, 'anonymous'])
      expect((await send(calendar.port, withBot({ ...bare, target: '/feed' }))).status).toBe(401)
      const lost = without('signature-key')(withBot(await get(open)))
      await expectRefusal(calendar, await get(open), () => lost, { status: 401, error: 'invalid_signature' })
    },
  )

  test(
    verifies('SIG-34', 'sig.headers.lost', 'a request whose Signature-Key a hop has dropped by Connection is refused'),
    async () => {
      const hop = createServer((request, response) => {
        const named = String(request.headers.connection).toLowerCase().split(/, */)
        const lines = request.rawHeaders.flatMap((value, at) =>
          at % 2 === 1 || named.includes(value.toLowerCase()) || value.toLowerCase() === 'connection'
            ? []
            : [[value, request.rawHeaders[at + 1] ?? ''] as const],
        )
        void send(calendar.port, { method: 'GET', target: request.url ?? '', headers: lines }).then(answer => {
          response.statusCode = answer.status
          response.end(answer.body)
        })
      })
      const port = await listenOn(hop)
      const wire = await get({ target: '/public' })
      expect((await send(port, wire)).status).toBe(200)
      const before = calendar.ran()
      const answer = await send(port, plus('Connection', 'close, Signature-Key')(wire))
      expect([answer.status, calendar.ran()]).toEqual([401, before])
      hop.close()
    },
  )

  test(verifies('SIG-18', 'controls and bytes beyond ASCII in a signature header'), async () => {
    for (const odd of ['\u0000', '\u00e9', '\u00c3\u00a9', '\u0001'])
      await expectRefusal(
        calendar,
        await get(),
        header('signature-key', value => value.replace('sig=', `sig=${odd}`)),
        { status: [400, 401] },
      )
  })

  test(verifies('SIG-21', 'an underscore spelling replaces nothing'), async () => {
    const other = asKey(await generateSigningKey())
    const foreign =
      (await world.request({ as: other, target: '/feed' })).headers.find(([n]) => n === 'signature-key')?.[1] ?? ''
    const answer = await send(calendar.port, plus('Signature_Key', foreign)(await get()))
    const plain = await send(calendar.port, await get())
    expect(JSON.parse(answer.body).aauth.key).toBe(JSON.parse(plain.body).aauth.key)
  })

  test(
    verifies(
      'SCH-01',
      'SCH-13',
      'sig.key.legacy',
      'sig.key.scheme',
      'error.unsupported-scheme',
      'unknown schemes and the older spelling',
    ),
    async () => {
      const schemes = ['foo', 'HWK', 'jwk', 'x509'].map(scheme =>
        header('signature-key', value => value.replace('=hwk', `=${scheme}`)),
      )
      for (const change of schemes)
        await expectRefusal(calendar, await get(), change, { status: 401, error: 'unsupported_scheme' })
      const legacy = header('signature-key', () => 'sig=(scheme=hwk kty="OKP")')
      await expectRefusal(calendar, await get(), legacy, { status: 401, error: 'unsupported_scheme' })
    },
  )
})

describe('what stands in Signature-Key', () => {
  const agent = () => world.request({ as: asAgent(world.agent), target: '/agenda' })
  const swapped = (value: string) => header('signature-key', () => value)

  test(verifies('SIG-13', 'no variant of the older spelling'), async () => {
    const kinds = [
      '(scheme=hwk kty="OKP")',
      '(kty="OKP" scheme=hwk)',
      '(scheme=hwk scheme=jwt)',
      '(scheme=hwk\tkty="OKP")',
      '(scheme=hwk) x',
      '((scheme=hwk)',
      '()',
    ]
    for (const kind of kinds) {
      const answer = await send(calendar.port, swapped(`sig=${kind}`)(await agent()))
      expect([answer.status, answer.headers.get('agent-auth')], kind).toEqual([401, 'httpsig; identity=?1'])
    }
  })

  test(
    verifies('SIG-14', 'odd characters inside a string do not split it: it is one kid, and an unknown one'),
    async () => {
      for (const kid of ['a) b', 'a\\"b', 'x;jwt=y', 'k1, sig2=hwk', "'"])
        await expectRefusal(
          calendar,
          await agent(),
          header('signature-key', value => value.replace('kid="k1"', `kid="${kid}"`)),
          { status: 401, error: 'invalid_agent_token' },
        )
    },
  )

  test(verifies('SCH-02', 'sig.key.jwks-uri', 'jwks_uri is whole, and about agent metadata'), async () => {
    const parts = [' ;id="https://agent.example"', ';kid="k1"', ';dwk="aauth-agent"'].map(part => part.trim())
    for (const part of parts)
      await expectRefusal(
        calendar,
        await agent(),
        header('signature-key', value => value.replace(part, '')),
        { status: 401, error: 'invalid_signature' },
      )
    for (const dwk of ['aauth-issuer', '../x', 'openid-configuration', ''])
      await expectRefusal(
        calendar,
        await agent(),
        header('signature-key', value => value.replace('aauth-agent', dwk)),
        { status: 401, error: 'invalid_signature' },
      )
  })
})
