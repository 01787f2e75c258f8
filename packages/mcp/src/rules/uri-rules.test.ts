import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { numRuns, verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { uriRules } from './uri-rules.js'

// What servers read, against what guards let through.

const found = (rules: Readonly<Record<string, string>>, uris: readonly string[]) => {
  const find = uriRules(new Map(Object.entries(rules)))
  return uris.map(uri => [uri, find(uri)])
}
const nobodys = (uris: readonly string[]) => uris.map(uri => [uri, undefined])
const all = (rule: string, uris: readonly string[]) => uris.map(uri => [uri, rule])

test(
  verifies('mcp.uri-spellings', 'a URI has the same rule whether it is parsed before it is decoded or after'),
  () => {
    const rules = { 'file:///*': 'loose', 'file:///private': 'strict' }
    const dodges = [
      'file:///a%3F/../priv%61te',
      'file:///a%23/../priv%61te',
      'file:///a%3F/..%2fprivate',
      'file:///a/..%2fprivate',
      'file:///priv%2561te',
      'file:///priv%61te%3F',
      'file:////private',
      'file:///a//..%2f..%2fprivate',
      'file:///a%5C..%5Cprivate',
      'file:///private/',
      'file:///private/.',
    ]
    expect(found(rules, dodges)).toEqual(nobodys(dodges))
    expect(found(rules, ['file:///private'])).toEqual(all('strict', ['file:///private']))
    const others = ['file:///public/x', 'file:///public/', 'file:///a%3Fb', 'file:///public/a%2Fb', 'file:///100%25']
    expect(found(rules, others)).toEqual(all('loose', others))
  },
)

test(verifies('mcp.uri-spellings', 'encoded characters in a rule also match decoded ones'), () => {
  const strict = 'mail://inbox/alice%40example.com'
  const rules = { 'mail://inbox/*': 'loose', [strict]: 'strict' }
  const dodges = [
    'mail://inbox/alice@example.com',
    'mail://inbox/%61lice%40example.com',
    'mail://inbox/a/../alice%40example.com',
  ]
  expect(found(rules, dodges)).toEqual(nobodys(dodges))
  expect(found(rules, [strict, 'mail://inbox/bob%40example.com', 'mail://inbox/bob@example.com'])).toEqual([
    [strict, 'strict'],
    ['mail://inbox/bob%40example.com', 'loose'],
    ['mail://inbox/bob@example.com', 'loose'],
  ])
  for (const twice of ['mail://inbox/alice@example.com', 'mail://inbox/%61lice%40example.com'])
    expect(() =>
      uriRules(
        new Map([
          [strict, 1],
          [twice, 2],
        ]),
      ),
    ).toThrow(TypeError)
})

test(
  verifies('mcp.uri-spellings', 'a query, fragment, user or port does not change the rule unless a rule has it'),
  () => {
    const rules = { '*': 'loose', 'note://a/private': 'strict', 'note://b/*': 'strict' }
    const dodges = [
      'note://a/private?x',
      'note://a/private?',
      'note://a/private#x',
      'note://a/priv%61te#',
      'note://u@b/x',
      'note://u:p@b/x',
      'note://b:1/x',
      'note://u%40b/x',
      'note://b?x',
      'note://b',
    ]
    expect(found(rules, dodges)).toEqual(nobodys(dodges))
    const others = [
      'note://a/x?y=1#z',
      'note://u@a/x',
      'note://a:1/x?y=/../z',
      'mailto:u@b',
      'note://public/a%2Fb',
      'note://c',
    ]
    expect(found(rules, others)).toEqual(all('loose', others))
    const own = ['note://b/', 'note://b/x?y=1', 'note://b/x#y']
    expect(found(rules, own)).toEqual(all('strict', own))

    const said = {
      '*': 'loose',
      'note://a?all': 'exact',
      'note://a?one=*': 'query',
      'http://localhost:3000/*': 'three',
      'http://localhost:4000/*': 'four',
      'db://reader@host/*': 'reader',
      'db://host/private/*': 'strict',
    }
    expect(
      found(said, [
        'note://a?all',
        'note://a?one=1&two=2',
        'note://a',
        'http://localhost:3000/x?y',
        'http://localhost:4000/x',
        'db://reader@host/x',
        'db://reader@host/private/x',
        'db://other@host/private/x',
      ]),
    ).toEqual([
      ['note://a?all', 'exact'],
      ['note://a?one=1&two=2', 'query'],
      ['note://a', 'loose'],
      ['http://localhost:3000/x?y', 'three'],
      ['http://localhost:4000/x', 'four'],
      ['db://reader@host/x', 'reader'],
      ['db://reader@host/private/x', undefined],
      ['db://other@host/private/x', undefined],
    ])
  },
)

test(verifies('mcp.uri-spellings', 'a URI with too many spellings has no rule'), () => {
  const rules = { 'file:///*': 'loose', 'file:///private': 'strict' }
  const nested = `file:///x%${'25'.repeat(200)}41`
  const long = `file:///${'x'.repeat(5000)}`
  expect(found(rules, [nested, long, 'file:///\ud800'])).toEqual(nobodys([nested, long, 'file:///\ud800']))
  expect(found({ '*': 'loose' }, [nested, long])).toEqual(all('loose', [nested, long]))
  const template = 'https://u:p@host:8443/a%20b/{id}?x=1%26y=%252F&z=caf%C3%A9#part%20two'
  expect(found({ '*': 'loose', 'file:///private': 'strict' }, [template])).toEqual(all('loose', [template]))
})

test(
  verifies(
    'mcp.uri-spellings',
    'a name that a server reads as another one does not pass under a laxer rule than that one',
  ),
  () => {
    const rules = {
      'file:///*': 'loose',
      'file:///private/*': 'strict',
      'note://kings/*': 'loose',
      'note://kings/id': 'strict',
    }
    const dodges = [
      'file:///PRIVATE/x',
      'FILE:///Private/x',
      'file:///%50rivate/x',
      'file:///private./x',
      'file:///private%20/x',
      'file:///private%20.%2e/x',
      'file:///private::$DATA/x',
      'file:///private::$data/x',
      'file:///private%3A%3A$INDEX_ALLOCATION/x',
      'file:///private:$I30:$INDEX_ALLOCATION/x',
      'file:///\uff50rivate/x',
      'file:///%ef%bd%90rivate/x',
      'file:///pr\u0131vate/x',
      'file:///pr\u0130vate/x',
      'file:///pri\u200bvate/x',
      'file:///pri%E2%80%8Bvate/x',
      'file:///pri\u00advate/x',
      'file:///a/..%20/x',
      'file:///.../x',
      'file:///a/%2e%2e%2e/x',
      'file:///public/../PRIVATE/x',
      'note://kings/ID',
      'note://kings/\u0130d',
      'note://KINGS/id.',
      'note://\u212aings/id',
      ...['%2e.', '%252e.', '.%2e', '\uff0e.', '\uff052e.', '%\u00ad2e.'].map(dots => `file:///a/${dots}/PRIVATE/x`),
    ]
    expect(found(rules, dodges)).toEqual(nobodys(dodges))
    const strict = ['file:///private/x', 'file:///private/X', 'file:///private/x.', 'file:///private/']
    expect(found(rules, strict)).toEqual(all('strict', strict))
    const others = [
      'file:///Public/X',
      'file:///a.b/c.',
      'file:///privat/x',
      'file:///\u4f1a\u8bae\uff1a\u8bb0\u5f55',
      'note://kings/x',
    ]
    expect(found(rules, others)).toEqual(all('loose', others))
    for (const twin of ['file:///Private/*', 'file:///private./*', 'file:///pr\u0131vate/*'])
      expect(() => uriRules(new Map([...Object.entries(rules), [twin, 'x']])), twin).toThrow(TypeError)
  },
)

describe('a URI that a server cuts off, or resolves by a short name', () => {
  test(verifies('mcp.uri-spellings', 'a file name with an appended part does not pass under a laxer rule'), () => {
    const files = { 'file:///*': 'loose', 'file:///private.txt': 'strict' }
    const ends = [
      '%00.png',
      '\0.png',
      '%2500.png',
      ';x',
      '%3bx',
      ':stream',
      '%3Astream',
      ':a:$DATA',
      '.:s',
      ';x:y',
      '%00',
    ]
    const dodges = [...ends.map(end => `file:///private.txt${end}`), 'file:///PRIVAT~1.TXT', 'file:///privat%7e1.txt']
    expect(found(files, dodges)).toEqual(nobodys(dodges))
    const others = ['file:///public.txt', 'file:///public.txt;x', 'file:///a:b', 'file:///C:/x', 'file:///~me/a']
    expect(found(files, others)).toEqual(all('loose', others))
    expect(found(files, ['file:///private.txt'])).toEqual(all('strict', ['file:///private.txt']))
  })

  test(verifies('mcp.uri-spellings', 'has the only rule'), () => {
    const plain = ['a:b', 'a;b', 'a;x/y:z', 'a%00b', 'REPORT~1', 'private;x', ''].map(
      path => `https://h.example/${path}`,
    )
    expect(found({ 'https://h.example/*': 'only' }, plain)).toEqual(all('only', plain))
  })

  test(verifies('mcp.uri-spellings', 'has the rule that has exactly this URI'), () => {
    const said = {
      'file:///C:/*': 'loose',
      'file:///C:/private/*': 'strict',
      'file:///D:/PROGRA~1/*': 'short',
      'file:///D:/*': 'd',
      'urn:a:*': 'a',
      'urn:a:secret:*': 'secret',
      'api://h/things': 'things',
      'api://h/things:*': 'verbs',
      'api://h/v;n=1/*': 'one',
      'api://h/v;n=2/*': 'two',
      'api://h/w:x/*': 'w',
      'api://h/w:x/private/*': 'private',
    }
    const expected = {
      'file:///C:/a': 'loose',
      'file:///C:/private/a': 'strict',
      'file:///C:/private:s/a': undefined,
      'file:///C:/private;s/a': undefined,
      'file:///C:/PRIVAT~1/a': undefined,
      'file:///D:/PROGRA~1/a': 'short',
      'file:///D:/a/PROGRA~1/a': 'd',
      'file:///D:/PROGRA~2/a': undefined,
      'urn:a:x': 'a',
      'urn:a:secret:x': 'secret',
      'api://h/things': 'things',
      'api://h/things:run': 'verbs',
      'api://h/v;n=1/a': 'one',
      'api://h/v;n=2/a': 'two',
      'api://h/w:x/a': 'w',
      'api://h/w:x/private/a': 'private',
      'api://h/w:x/private:s/a': undefined,
    }
    expect(Object.fromEntries(found(said, Object.keys(expected)))).toEqual(expected)
  })
})

/** As Windows takes a path. */
const windows = (path: string): string =>
  path
    .split('/')
    .map(part => (part === '.' || part === '..' ? part : part.replace(/::\$DATA$/i, '').replace(/[. ]{1,9}$/, '')))
    .join('/')
    .toLowerCase()

const withoutStreams = (uri: string): string => uri.replace(/(\w):\w[^/]*/g, '$1')

/** What servers of several kinds look for. */
const servers: ReadonlyArray<(uri: string) => string> = [
  uri => uri,
  decodeURIComponent,
  uri => `${new URL(uri).protocol}//${new URL(uri).hostname}${new URL(uri).pathname}`,
  uri => decodeURIComponent(`${new URL(uri).protocol}//${new URL(uri).hostname}${new URL(uri).pathname}`),
  uri =>
    `${new URL(uri).protocol}//${new URL(uri).hostname}${posix.normalize(decodeURIComponent(new URL(uri).pathname))}`,
  uri =>
    `${new URL(uri).protocol}//${new URL(uri).hostname}${posix.resolve('/', decodeURIComponent(new URL(uri).pathname))}`,
  uri => `file://${posix.normalize(fileURLToPath(uri))}`,
  uri => new URL(decodeURIComponent(uri)).href,
  uri => decodeURIComponent(uri.split(/[?#]/)[0] ?? ''),
  uri => decodeURIComponent(uri).toLowerCase(),
  uri => decodeURIComponent(uri).normalize('NFKC').toLowerCase(),
  uri => windows(decodeURIComponent(uri)),
  uri => `file://${posix.normalize(windows(fileURLToPath(uri)))}`,
  uri => decodeURIComponent(uri).split('\0')[0] ?? '',
  uri => decodeURIComponent(uri).replaceAll('\0', ''),
  // A servlet container leaves out path parameters before it decodes, or after.
  uri => decodeURIComponent(uri.replace(/;[^/]*/g, '')),
  uri =>
    posix
      .normalize(new URL(uri).pathname.replace(/;[^/]*/g, ''))
      .replace(/^/, `${new URL(uri).protocol}//${new URL(uri).hostname}`),
  uri => windows(withoutStreams(decodeURIComponent(uri))),
  uri => withoutStreams(decodeURIComponent(uri)).replace(/;[^/]*/g, ''),
  uri => decodeURIComponent(uri).replace(/\/privat~1/gi, '/private'),
]

/** Each character of a text perhaps encoded, once or twice. */
const encoded = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(0, 0, 0, 0, 1, 2), { minLength: text.length, maxLength: text.length }).map(times => {
    const hex = (char: string) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`
    return [...text].map((char, i) => [char, hex(char), hex(char).replace('%', '%25')][times[i] ?? 0]).join('')
  })
const names = fc.constantFrom('a', 'b', 'private', 'x@y')
const oddNames = fc.constantFrom(
  'a',
  'b',
  'private',
  'x@y',
  'PRIVATE',
  'B',
  'private.',
  'private::$DATA',
  'a. ',
  'pRivate ',
  'private\0.png',
  'pri\0vate',
  'private;x',
  'b;y=1',
  'private:x',
  'PRIVAT~1',
)
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'))
const beginnings = fc.constantFrom('file:///', 'note://a/', 'note://b/')
const ruleNames = fc.constantFrom('a', 'b', 'private', 'x@y', 'b:1', 'a;v')
const rulePaths = fc.array(ruleNames, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'))
const patterns = fc
  .tuple(beginnings, rulePaths, fc.constantFrom('', '/*', '*'))
  .map(([beginning, path, end]) => `${beginning}${path}${end}`)
const parts = fc.constantFrom('/', '/', '/', '//', '/../', '/./', '?', '#', '\\', '/x/../', '/?/../')
const uris = fc
  .tuple(
    fc.constantFrom(
      'file:///',
      'FILE:///',
      'note://a/',
      'note://b/',
      'note://u@a/',
      'note://b:1/',
      'note://a/../',
      'note://b',
    ),
    fc.array(fc.tuple(oddNames.chain(encoded), parts.chain(encoded)), { minLength: 1, maxLength: 5 }),
  )
  .map(([beginning, pairs]) => `${beginning}${pairs.flat().join('')}`)
  .chain(uri => fc.constantFrom(uri, uri.replace(/(?:%2f|\/)+$/i, '')))

/** The rule that has a text in its URI. */
function plainRule(rules: ReadonlyMap<string, string>, text: string): string | undefined {
  const [longest] = [...rules.keys()]
    .filter(one => (one.endsWith('*') ? text.startsWith(one.slice(0, -1)) : text === one))
    .sort((one, other) => Number(other === text) - Number(one === text) || other.length - one.length)
  return rules.get(longest ?? '')
}

const ruleSets = fc
  .tuple(
    fc.constantFrom('loose', 'strict'),
    fc.uniqueArray(fc.tuple(patterns, fc.constantFrom('loose', 'strict')), {
      minLength: 1,
      maxLength: 4,
      selector: ([pattern]) => pattern,
    }),
  )
  .map(([others, said]) => new Map([['*', others], ...said]))

/** Cases: each asks every server. */
const spellings = Math.min(numRuns * 3, 5000)

test(verifies('mcp.uri-spellings', 'no laxer rule admits what a server would read under a strict rule'), () => {
  let passed = 0
  fc.assert(
    fc.property(ruleSets, uris, (rules, uri) => {
      if (rules.has(uri) || uriRules(rules)(uri) !== 'loose') return
      passed += 1
      for (const server of servers) {
        let text: string
        try {
          text = server(uri)
        } catch {
          continue
        }
        // A folder is the same without the slash that a beginning says.
        const isFolder = !rules.has(text) && rules.get(`${text}/*`) === 'loose'
        const rule = isFolder ? 'loose' : plainRule(rules, text)
        expect(rule, `${text} by ${uri}`).not.toBe('strict')
      }
    }),
    { numRuns: spellings },
  )
  expect(passed).toBeGreaterThan(spellings / 10)
})

test('a URI in its plain spelling has its own rule', () => {
  fc.assert(
    fc.property(ruleSets, beginnings, paths, (rules, beginning, path) => {
      const uri = `${beginning}${path}`
      // A folder of another rule may be read as its content.
      const folder = rules.get(`${uri}/*`)
      const plain = plainRule(rules, uri)
      const isOther = !rules.has(uri) && folder !== undefined && folder !== plain
      expect(uriRules(rules)(uri)).toBe(isOther ? undefined : plain)
    }),
    { numRuns: 2000 },
  )
})
