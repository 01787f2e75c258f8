import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guardedEverything } from './everything.fixture.js'
import { countersign, type Stand, stand } from './processes.fixture.js'

// The MCP inspector's command, through the bridge: a client that is not ours, by one line of its configuration.

const execute = promisify(execFile)
let place: Stand
let folder: string

beforeAll(async () => {
  place = stand()
  folder = join(place.folder, 'inspector')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'inspecting', private: true }))
  // The last line of the inspector that runs on Node 20.
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  const [guarded] = await Promise.all([
    guardedEverything(place),
    execute('npm', [...install, '@modelcontextprotocol/inspector-cli@1.0.3'], { cwd: folder }),
  ])
  const tools = { command: process.execPath, args: [countersign, 'mcp-bridge', guarded.url, ...guarded.flags] }
  writeFileSync(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: { tools } }))
})

afterAll(() => place.stop())

async function inspect(...args: readonly string[]): Promise<unknown> {
  const program = join(folder, 'node_modules/.bin/mcp-inspector-cli')
  // It looks for its own version beside the working directory.
  const cwd = join(folder, 'node_modules/@modelcontextprotocol/inspector-cli/build')
  const config = ['--cli', '--config', join(folder, 'mcp.json'), '--server', 'tools']
  const { stdout } = await execute(program, [...config, ...args], { cwd })
  return JSON.parse(stdout)
}

test('lists the tools', async () => {
  const { tools } = (await inspect('--method', 'tools/list')) as {
    readonly tools: ReadonlyArray<{ readonly name: string }>
  }
  expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'get-sum']))
})

test('calls a tool', async () => {
  const called = await inspect('--method', 'tools/call', '--tool-name', 'get-sum', '--tool-arg', 'a=2', 'b=40')
  expect(JSON.stringify(called)).toContain('42')
})
