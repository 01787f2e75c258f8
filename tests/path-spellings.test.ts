import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { routeTable } from '../packages/gateway/src/route-table.js'
import { uriRules } from '../packages/mcp/src/rules/uri-rules.js'

// One list of spellings for the two tables that choose a rule by a name: URIs of MCP, and paths at the gateway. What some server or
// other reads as `/private/…` must meet the strict rule or be refused.

const find = uriRules(
  new Map([
    ['https://h.example/*', 'loose'],
    ['https://h.example/private/*', 'strict'],
  ]),
)
const routes = routeTable([
  { path: '/*', value: 'loose' },
  { path: '/private/*', value: 'strict' },
])
const both = (path: string) => {
  const match = routes.match('GET', path)
  return { path, mcp: find(`https://h.example${path}`), gateway: match.found === 'route' ? match.value : match.found }
}

test.each([
  '/private',
  '/private;x/y',
  '/private;/y',
  '/private;x',
  '/private;x=1;z=2/y',
  '/private%3bx/y',
  '/private%253bx/y',
  '/x/..;/private/y',
  '/x/..;a=b/private/y',
  '/private%00/x',
  '/private%00',
  '/private%2500/x',
  '/private%00.png',
  '/x%00/private/y',
  '/private%0a/x',
  '/private%c2%85/x',
  '/private:x/y',
  '/private:x',
  '/private%3Ax/y',
  '/private%253ax/y',
  '/private:x:$DATA/y',
  '/private.:x/y',
  '/PRIVATE;x/y',
  '/Private:x/y',
  '/private;a:b/y',
  '/private:a;b/y',
  '/PRIVAT~1/y',
  '/privat~1',
  '/PRIVAT%7e1/y',
  '/PRIVAT~12/y',
  '/PR1A2B~1/y',
  '/PRIVAT~1.EXT/y',
  '/PRIVAT~1;x/y',
  '/PRIVAT~1:x/y',
  '/PRIVAT~1./y',
  '/x/../private;x/y',
])(verifies('mcp.uri-spellings', 'RAT-12', '%s goes by no looser rule'), path => {
  // A path with a dot segment never comes to the table of the gateway.
  const { mcp, gateway } = both(path)
  expect(mcp).toBeUndefined()
  expect(gateway).toBe('ambiguous')
})

test.each([
  '/',
  '/public',
  '/a:b',
  '/a;b/c',
  '/a;b:c/d',
  '/v1/things:run',
  '/x/PRIVAT~1',
  '/~me/a',
  '/a~b',
  '/privates/x',
  '/100%25',
])(verifies('mcp.uri-spellings', 'RAT-12', '%s is no spelling of another rule’s name'), path =>
  expect(both(path)).toEqual({ path, mcp: 'loose', gateway: 'loose' }),
)

test.each(['/private/y', '/private/', '/private/y;x', '/private/a:b', '/private/LONGNA~1'])(
  verifies('mcp.uri-spellings', 'RAT-12', '%s has the rule that says it'),
  path => expect(both(path)).toEqual({ path, mcp: 'strict', gateway: 'strict' }),
)

test(
  verifies('RAT-12', 'a route that says a colon, a parameter-like verb or a short name gets its own requests'),
  () => {
    const table = routeTable([
      { path: '/*', value: 'loose' },
      { path: '/things', value: 'things' },
      { path: '/things:*', value: 'verbs' },
      { path: '/things:run', value: 'run' },
      { path: '/old~1/*', value: 'short' },
      { path: '/a:b/*', value: 'colon' },
      { path: '/a:b/private/*', value: 'private' },
    ])
    const matched = (path: string) => {
      const match = table.match('GET', path)
      return match.found === 'route' ? match.value : match.found
    }
    const expected = {
      '/things': 'things',
      '/things:stop': 'verbs',
      '/things:run': 'run',
      '/things:run:x': 'ambiguous',
      '/things%3arun': 'ambiguous',
      '/old~1/x': 'short',
      '/old~2/x': 'ambiguous',
      '/a:b/x': 'colon',
      '/a:b/private/x': 'private',
      '/a:b/private:s/x': 'ambiguous',
    }
    expect(Object.fromEntries(Object.keys(expected).map(path => [path, matched(path)]))).toEqual(expected)
  },
)
