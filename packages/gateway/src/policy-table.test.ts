import { readdirSync, readFileSync } from 'node:fs'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { toolCases } from '../../mcp-sdk1/src/tool-cases.test.fixture.js'
import { adapters } from '../../resource/src/suite/adapters.test.fixture.js'
import { kinds } from '../../resource/src/suite/cases.test.fixture.js'
import { makeWorld } from '../../resource/src/world.test.fixture.js'
import { cases, cells, reasons, sites } from './policy-cells.test.fixture.js'

// Beside adapters-supported.test.ts of the resource: what takes a kind of condition off the list, and who else runs each kind.

const source = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

test(
  verifies('policy.supported', 'a counter or replay set that cannot keep a kind takes it off the list'),
  async () => {
    const world = await makeWorld()
    const missing = async (options: Parameters<typeof world.calendar>[0]): Promise<string[]> => {
      const calendar = world.calendar(options)
      calendar.declare({ scope: 'events.read' }, { answers: 'projected' })
      const answer = await calendar.handle({ method: 'GET', target: '/.well-known/aauth-resource', headers: [] })
      const listed: readonly string[] = Object(await answer?.json()).constraints_supported
      return Object.keys(kinds).filter(kind => !listed.includes(kind))
    }
    const take = async () => ({ within: true, remaining: 1, seconds: 1 })
    expect(await missing({})).toEqual([])
    expect(await missing({ counter: { take } })).toEqual(['calls'])
    expect(await missing({ replay: { check: async () => 'fresh' } })).toEqual(['approval'])
  },
)

test('gateway and check run the same cases, and a server of tools each kind', () => {
  const proxies = source('../../gateway/src/adapters-policies.test.ts')
  expect(proxies).toMatch(/describe\.each\(\[gatewayAdapter, checkAdapter\]\)\('\$name', adapter => policyCases\(/)
  for (const site of ['guardMcp', 'mcpBehindGateway'] as const) {
    const run = new Set(toolCases(site).map(({ type }) => type))
    expect(
      Object.keys(kinds).filter(kind => !run.has(kind)),
      site,
    ).toEqual([])
  }
})

/** The case ids that a text cites. */
const cited = (text: string): string[] => [...new Set(text.match(/(?<=')(?:DEL|APR)-\d+(?=')/g))]

const shared = cited(
  readdirSync(new URL('../../resource/src/suite/', import.meta.url))
    .map(name => source(`../../resource/src/suite/${name}`))
    .join('\n'),
)

test('each case of the suite has a cell for each site, and no cell is left over', () => {
  expect(new Set<string>(cases)).toEqual(new Set(shared))
  expect(Object.keys(cells)).toEqual([...cases])
  for (const [id, row] of Object.entries(cells)) expect(new Set(Object.keys(row)), id).toEqual(new Set(sites))
  const names = adapters.map(({ name }) => name)
  expect(new Set(names)).toEqual(new Set(['node:http', 'Express', 'Fastify', 'Hono', 'Fetch']))
})

/** The cases that a file runs. */
function ranBy(file: string, site: string): readonly string[] {
  const text = source(`../../${file}`)
  if (/=> policyCases\(/.test(text)) return shared
  if (site !== 'guardMcp' && site !== 'mcpBehindGateway') return []
  expect(text).toContain(`name: '${site}'`)
  expect(text).toContain('toolPolicies(site, await toolStages())')
  return toolCases(site).flatMap(({ ids }) => ids)
}

test('a cell names a file that runs the case, or one of few reasons', () => {
  for (const [id, row] of Object.entries(cells))
    for (const [site, cell] of Object.entries(row)) {
      if ('file' in cell) expect(ranBy(cell.file, site), `${site} ${cell.file}`).toContain(id)
      else expect(Object.keys(reasons), id).toContain(cell.reason)
    }
})

test('the cases with a reason are these, and are not run', () => {
  const reasoned = (site: (typeof sites)[number]) =>
    cases.filter(id => {
      const cell = cells[id][site]
      return 'reason' in cell
    })
  const answers = ['DEL-54', 'DEL-55', 'DEL-57', 'DEL-58', 'DEL-59', 'DEL-60', 'DEL-61', 'DEL-63']
  const expected = new Map([
    ['check', answers],
    ['guardMcp', ['DEL-57', 'DEL-59', 'DEL-61']],
  ])
  for (const site of sites) expect(reasoned(site), site).toEqual(expected.get(site) ?? [])
  const ran = toolCases('guardMcp').flatMap(({ ids }) => ids)
  expect(reasoned('guardMcp').filter(id => ran.includes(id))).toEqual([])
})
