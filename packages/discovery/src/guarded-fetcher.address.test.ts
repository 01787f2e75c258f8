import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { httpHost, httpsHost, ok, pem, tcpHost } from './host.test.fixture.js'
import { guardedFetcher } from './node.js'

const maxBytes = 1024
const refusal = { name: 'AAuthError', code: 'discovery_failed', reason: 'address_not_allowed', status: 401 }
const text = (body: Uint8Array) => new TextDecoder().decode(body)

/** A resolver that gives the answers of a list in turn, and counts the queries. */
function resolver(...answers: readonly string[][]) {
  const asked: string[] = []
  const resolve = async (host: string) => {
    asked.push(host)
    return answers[Math.min(asked.length, answers.length) - 1] ?? []
  }
  return { asked, resolve }
}

describe('a URL that must not be fetched sends no packet and asks no resolver', () => {
  const at: Readonly<Record<string, (port: number) => string[]>> = {
    [verifies('DSC-01', 'loopback in every spelling')]: port =>
      [
        '127.0.0.1',
        '127.1',
        '0',
        '0.0.0.0',
        '2130706433',
        '0x7f.1',
        '0177.0.0.1',
        'localhost',
        'localhost.',
        'LOCALHOST',
        '[::1]',
        '[::]',
        '①②⑦.⓪.⓪.①',
        'x.localhost',
        'agent.example.',
        'localhost%2e',
        '１27.0.0.1',
      ].map(host => `https://${host}:${port}/`),
    [verifies('DSC-02', 'DSC-03', 'literal addresses, public ones too')]: port =>
      [
        '10.0.0.1',
        '169.254.169.254',
        '100.100.100.200',
        '[fd00:ec2::254]',
        '[fe80::1]',
        '[fe80::1%25eth0]',
        '8.8.8.8',
        '[2606:4700::1]',
        'metadata.google.internal',
      ].map(host => `https://${host}:${port}/`),
    [verifies('DSC-04', 'IPv4 inside IPv6')]: port =>
      [
        '[::ffff:127.0.0.1]',
        '[::ffff:7f00:1]',
        '[::127.0.0.1]',
        '[64:ff9b::7f00:1]',
        '[64:ff9b:1::]',
        '[2002:7f00:1::]',
        '[2001:0::]',
      ].map(host => `https://${host}:${port}/`),
    [verifies('DSC-07', 'names that lead inside')]: port =>
      [
        'kubernetes.default.svc',
        'intranet',
        'a.internal',
        'printer.local',
        'a.onion',
        'x.home.arpa',
        'svc.cluster.local',
      ].map(host => `https://${host}:${port}/`),
    [verifies('DSC-10', 'ports of plaintext services')]: () =>
      [0, 22, 25, 80, 3306, 5432, 6379, 11211, 65536].map(port => `https://agent.example:${port}/`),
    [verifies('SCH-05', 'discovery.https', 'other schemes, and http')]: port => [
      `http://agent.example:${port}/`,
      `http://127.0.0.1:${port}/`,
      'ftp://agent.example/',
      'file:///etc/passwd',
      'data:application/json,{}',
      'javascript:1',
      `gopher://127.0.0.1:${port}/`,
      'https://',
      'https:agent.example',
      'HTTPS://agent.example/',
      '',
    ],
    [verifies('SCH-06', 'URLs that a parser would repair')]: port => [
      `https://agent.example@127.0.0.1:${port}/`,
      `https://u:p@agent.example/`,
      `https:\\\\agent.example/`,
      'https://agent.example\\@evil.example/',
      'https://agent.example/#x',
      'https://agent.example/#',
      'https:///agent.example',
      'https://agent.\texample/',
      'https://agent.example/\n',
      ' https://agent.example/',
      'https://ａgent.example/',
    ],
  }
  for (const [title, urls] of Object.entries(at))
    test(title, async () => {
      const host = await tcpHost()
      const { resolve, asked } = resolver(['127.0.0.1'])
      for (const url of urls(host.port))
        await expect(guardedFetcher({ resolve, timeout: 1 })(url, { maxBytes }), url).rejects.toMatchObject(refusal)
      expect(host.connections()).toBe(0)
      expect(asked).toEqual([])
      // The twin: a good URL gets as far as the resolver.
      await expect(guardedFetcher({ resolve })('https://agent.example/x', { maxBytes })).rejects.toMatchObject(refusal)
      expect(asked).toEqual(['agent.example'])
    })
})

test(
  verifies('DSC-05', 'discovery.pinned', 'a name with any private address is refused without a packet'),
  async () => {
    const host = await tcpHost()
    const answers = [
      ['127.0.0.1'],
      ['8.8.8.8', '::1'],
      ['2606:4700::1', '8.8.8.8', '10.0.0.1'],
      ['::ffff:127.0.0.1'],
      ['127.1'],
      ['not an address'],
      [],
    ]
    for (const addresses of answers) {
      const { resolve } = resolver(addresses)
      const fetched = guardedFetcher({ resolve })(`https://agent.example:${host.port}/`, { maxBytes })
      await expect(fetched, addresses.join()).rejects.toMatchObject(refusal)
    }
    expect(host.connections()).toBe(0)
  },
)

test(
  verifies('discovery.pinned', 'DSC-05', 'DNS is asked once, and the connection goes to the checked address'),
  async () => {
    const host = await httpsHost(ok)
    // A second DNS answer (rebinding) would lead to a server that listens.
    const rebinding = resolver(['2001:db8::1'], ['127.0.0.1'])
    const url = `https://agent.example:${host.port}/`
    const fetcher = guardedFetcher({ resolve: rebinding.resolve, ca: pem('authority') })
    await expect(fetcher(url, { maxBytes })).rejects.toMatchObject(refusal)
    expect(rebinding.asked).toEqual(['agent.example'])
    expect(host.connections()).toBe(0)

    const honest = resolver(['127.0.0.1'], ['127.0.0.9'])
    const twin = guardedFetcher({ resolve: honest.resolve, ca: pem('authority'), dangerouslyAllowLoopback: true })
    const document = await twin(url, { maxBytes })
    expect(text(document.body)).toBe('{"ok":true}')
    expect(honest.asked).toEqual(['agent.example'])
    expect(host.connections()).toBe(1)
  },
)

describe('dangerouslyAllowLoopback', () => {
  const open = guardedFetcher({
    dangerouslyAllowLoopback: true,
    ca: pem('authority'),
    resolve: async () => ['10.0.0.1'],
  })

  test('reaches this machine by its loopback names, http and https', async () => {
    const [plain, six, secure] = await Promise.all([httpHost(ok), httpHost(ok, '::1'), httpsHost(ok)])
    const urls = [
      `http://localhost:${plain.port}/`,
      `http://127.0.0.1:${plain.port}/`,
      `http://[::1]:${six.port}/`,
      `http://localhost:${six.port}/`,
      `https://localhost:${secure.port}/`,
      `https://127.0.0.1:${secure.port}/`,
    ]
    for (const url of urls) expect((await open(url, { maxBytes })).status, url).toBe(200)
    const closed = guardedFetcher({ ca: pem('authority') })
    for (const url of urls) await expect(closed(url, { maxBytes }), url).rejects.toMatchObject(refusal)
  })

  test(verifies('DSC-02', 'opens nothing else'), async () => {
    const refused = [
      'http://agent.example/',
      'https://agent.example/',
      'https://10.0.0.1/',
      'http://169.254.169.254/',
      'https://[::]/',
      'https://0.0.0.0/',
      'http://[::ffff:127.0.0.1]/',
      'http://x.localhost/',
      'https://8.8.8.8/',
      'http://localhost:6379/',
    ]
    for (const url of refused) await expect(open(url, { maxBytes }), url).rejects.toMatchObject(refusal)
  })
})
