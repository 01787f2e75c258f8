import { readFileSync } from 'node:fs'
import { UsageError } from '@countersign/fetch/internal'
import { expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { program } from '../program.js'

/** What `countersign schema COMMAND` prints. */
async function printed(command: string): Promise<Parameters<typeof z.fromJSONSchema>[0]> {
  const out = vi.spyOn(console, 'log').mockImplementation(() => {})
  try {
    const argv = ['node', 'countersign', 'schema', command]
    await (await program('0', argv)).parseAsync(argv)
    return JSON.parse(out.mock.calls.flat().join('\n'))
  } finally {
    out.mockRestore()
  }
}

test('the JSON schema of the gateway accepts the configuration in the documentation, and refuses mistakes', async () => {
  const schema = z.fromJSONSchema(await printed('gateway'))
  const page = readFileSync(new URL('../../../../docs/gateway.md', import.meta.url), 'utf8')
  const [, block = ''] = /^```yaml\n(id: [\s\S]*?)^```$/m.exec(page) ?? []
  const config = parse(block)
  expect(config.routes.length).toBeGreaterThan(3)
  expect(schema.safeParse(config)).toMatchObject({ success: true })
  const tools = { send: { scope: 'mail.send' }, '*': { level: 'identified' } }
  const more = { identity: 'jwt', observe: true, trustedProxies: ['10.0.0.0/8'], users: [{ iss: 'i', sub: 's' }] }
  expect(schema.safeParse({ ...config, ...more, routes: [{ path: '/mcp', mcp: { tools } }] })).toMatchObject({
    success: true,
  })
  const { id: _, ...nobody } = config
  for (const [wrong, at] of [
    [nobody, ['id']],
    [{ ...config, colour: 'red' }, []],
    [{ ...config, identity: 'cookie' }, ['identity']],
    [{ ...config, limits: { anonymous: 'ten' } }, ['limits', 'anonymous']],
    [{ ...config, routes: [{ path: 'orders' }] }, ['routes', 0, 'path']],
    [{ ...config, routes: [{ path: '/', level: 'root' }] }, ['routes', 0, 'level']],
    [{ ...config, routes: [{ path: '/', mcp: { tools, tasks: {} } }] }, ['routes', 0, 'mcp']],
  ] as const) {
    const result = schema.safeParse(wrong)
    expect([result.success, result.error?.issues[0]?.path]).toEqual([false, at])
  }
})

test('each command with a configuration has a JSON schema', async () => {
  for (const command of ['agent-server', 'auth-server', 'gateway'])
    expect(await printed(command), command).toMatchObject({ type: 'object', additionalProperties: false })
  for (const command of ['fetch', 'toString']) await expect(printed(command), command).rejects.toThrow(UsageError)
})
