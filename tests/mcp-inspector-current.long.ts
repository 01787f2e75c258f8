import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Running } from '@countersign/server'
import { required } from '@countersign/testing/services'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keptInstall } from '../scripts/kept-install.mjs'
import { guardedEverything } from './everything.fixture.js'
import { gatewayTo } from './mcp-official/gateway.fixture.js'
import { serveGuarded } from './mcp-official/guarded.fixture.js'
import { type Listening, serveBare } from './mcp-official/serve.fixture.js'
import { officialServer } from './mcp-official/server.fixture.js'
import { countersign, type Stand, stand } from './processes.fixture.js'
import { recentNode } from './recent-node.fixture.js'

// The current MCP inspector's command, which speaks revision 2026-07-28, too: to a server as it is, guarded, behind a gateway, and
// through the bridge.

const execute = promisify(execFile)
const version = '2.12.0'

interface Inspector {
  readonly node: string
  readonly program: string
}

function installed(): Inspector | { readonly missing: string } {
  const recent = recentNode()
  if ('missing' in recent) return recent
  const wanted = `@modelcontextprotocol/inspector@${version}`
  const folder = keptInstall(`mcp-inspector-${version}`, [wanted])
  if (folder === undefined) return { missing: `npm has no ${wanted}` }
  return {
    ...recent,
    program: join(folder, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js'),
  }
}

const found = installed()
if ('missing' in found && required('mcp-suite')) throw new Error(`the MCP inspector is required: ${found.missing}`)
const inspector = 'missing' in found ? undefined : found
const why = 'missing' in found ? ` (skipped: ${found.missing})` : ''

let place: Stand
let bare: Listening
let gateway: Running
let guarded: Running

beforeAll(async () => {
  place = stand()
  // It keeps what it learns in the user's folder.
  mkdirSync(join(place.folder, 'home'))
  bare = await serveBare(officialServer())
  gateway = await gatewayTo(bare.origin, { path: '/mcp', level: 'anonymous' })
  guarded = await serveGuarded(officialServer())
})
afterAll(async () => {
  await guarded.close()
  await gateway.close()
  await bare.close()
  await place.stop()
})

async function inspect(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { node, program } = inspector as Inspector
  const env = { ...process.env, HOME: join(place.folder, 'home') }
  const { stdout } = await execute(node, [program, '--cli', ...args], { env })
  return JSON.parse(stdout)
}

const asked: ReadonlyArray<readonly string[]> = [
  ['--method', 'tools/list'],
  ['--method', 'tools/call', '--tool-name', 'test_simple_text'],
  ['--method', 'tools/call', '--tool-name', 'test_header_argument', '--tool-arg', 'region=north'],
  ['--method', 'resources/read', '--uri', 'test://static-text'],
  ['--method', 'prompts/get', '--prompt-name', 'test_prompt_with_arguments', '--prompt-args', 'arg1=a', 'arg2=b'],
]

test.skipIf(inspector === undefined).each(['legacy', 'modern'])(
  `to a server as it is, guarded and behind a gateway, of the era %s${why}`,
  async era => {
    for (const one of asked) {
      const at = (origin: string) =>
        inspect('--server-url', `${origin}/mcp`, '--transport', 'http', '--protocol-era', era, ...one)
      const [itself, behind, guard] = await Promise.all([at(bare.origin), at(gateway.url), at(guarded.url)])
      expect(behind).toEqual(itself)
      // Of the guard, a list also says what each tool needs.
      if (one === asked[0]) expect(guard).toMatchObject(itself)
      else expect(guard).toEqual(itself)
      // The server says who it is in each answer since 2026-07-28; of a list the inspector shows nothing else.
      const isOfServer = JSON.stringify(itself).includes('io.modelcontextprotocol/serverInfo')
      expect(isOfServer).toBe(era === 'modern' && one !== asked[0])
    }
  },
)

test.skipIf(inspector === undefined)(
  `through the bridge, a server that demands an identity${why}`,
  async () => {
    const { url, flags } = await guardedEverything(place)
    const tools = { command: process.execPath, args: [countersign, 'mcp-bridge', url, ...flags] }
    const config = join(place.folder, 'mcp.json')
    writeFileSync(config, JSON.stringify({ mcpServers: { tools } }))
    const through = (...args: readonly string[]) =>
      inspect('--config', config, '--server', 'tools', '--protocol-era', 'auto', ...args)
    expect(JSON.stringify(await through('--method', 'tools/list'))).toContain('get-sum')
    const sum = await through('--method', 'tools/call', '--tool-name', 'get-sum', '--tool-arg', 'a=2', 'b=40')
    expect(JSON.stringify(sum)).toContain('42')
  },
  180_000,
)
