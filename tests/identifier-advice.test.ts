import { agentServer, createAgent, delegate, memoryState } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { createAuthServer } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { createResource } from '@countersign/resource'
import { describe, expect, test } from 'vitest'

// A wrong identifier in a configuration is an error at start that says what to write instead.

const keys = [{ kid: 'k1', key: await generateSigningKey() }]
const database = 'sqlite::memory:'
const discovery = createDiscovery({ fetcher: () => Promise.reject(new Error('no network')), development: true })

interface Made {
  close?(): Promise<void> | void
}

/** Each constructor that takes the identifier of its own party, or of its agent server. */
const constructors: Record<string, (id: string, development: boolean) => Made | Promise<Made>> = {
  'createResource({ id })': (id, development) => createResource({ id, keys, development }) as Made,
  'createAuthServer({ issuer })': async (issuer, development) =>
    (await createAuthServer({ issuer, keys, database, policy: () => 'deny', development })) as Made,
  'createAgentServer({ id })': async (id, development) =>
    (await createAgentServer({ id, keys, database, development })) as Made,
  'agentServer({ id })': (id, development) =>
    createAgent({
      identity: agentServer({ id, kid: 'k1', key: keys[0]?.key as never }),
      discovery,
      development,
    }) as Made,
  'delegate({ agentServer })': (id, development) =>
    createAgent({ identity: delegate({ agentServer: id }), state: memoryState(), discovery, development }) as Made,
}

const made = async (of: (typeof constructors)[string], id: string, development: boolean): Promise<void> => {
  const one = await of(id, development)
  await one.close?.()
}

describe.each(Object.entries(constructors))('%s', (_, of) => {
  test.each([
    ['https://host.example/', 'leave out the slash at the end: https://host.example'],
    ['https://Host.example', 'write it in lower case: https://host.example'],
    ['host.example', 'write the scheme, too: https://host.example'],
    ['https://host.example/api', 'write the origin alone: https://host.example'],
    ['http://host.example', 'write https: https://host.example'],
  ])('%s: %s', async (wrong, advice) => {
    await expect((async () => made(of, wrong, false))()).rejects.toThrow(advice)
    await expect((async () => made(of, wrong, false))()).rejects.toThrow(TypeError)
    await made(of, 'https://host.example', false)
  })

  test('http on this machine is for development', async () => {
    await expect((async () => made(of, 'http://localhost:5130', false))()).rejects.toThrow(
      /: http:\/\/ needs development: true$/,
    )
    await made(of, 'http://localhost:5130', true)
  })
})
