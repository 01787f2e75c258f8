import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { expect, test } from 'vitest'
import { agentIn, delegateIn } from './agents.test.fixture.js'
import { agentServer } from './identity/identity.js'
import { calendar, home, world } from './participants.test.fixture.js'
import { memoryState, type StateKeys } from './state/state.js'

/** A key whose private part is elsewhere: three members, and a way there that takes its time. */
function elsewhere({ algorithm, publicJwk, sign }: SigningKey, signed: { count: number }): SigningKey {
  return {
    algorithm,
    publicJwk,
    async sign(data) {
      signed.count += 1
      await new Promise(resolve => setTimeout(resolve, 1))
      return sign(data)
    },
  }
}

/** Keeps a delegate's keys as a KMS does: by name, and never showing one. */
function kms(signed: { count: number }): StateKeys & { readonly names: () => string[] } {
  const held = new Map<string, SigningKey>()
  const load: StateKeys['load'] = async name => {
    const key = held.get(name)
    return key === undefined ? undefined : elsewhere(key, signed)
  }
  return {
    names: () => [...held.keys()],
    load,
    async generate(name) {
      const key = await generateSigningKey('ES256')
      held.set(name, key)
      return elsewhere(key, signed)
    },
    async remove(name) {
      held.delete(name)
    },
  }
}

test('a delegate whose keys a KMS keeps enrols, rotates and climbs; its state holds no private key', async () => {
  const own = await world()
  const signed = { count: 0 }
  const keys = kms(signed)
  const { read, write, remove } = memoryState()
  const written: unknown[] = []
  const state = {
    read,
    remove,
    write: (name: string, value: unknown) => {
      written.push(value)
      return write(name, value)
    },
    keys,
  }
  const agent = delegateIn(own, { state })
  const response = await agent.fetch(`${calendar}/events`)
  expect(await response.json()).toMatchObject({ level: 'authorized' })
  expect(signed.count).toBeGreaterThan(0)
  expect(keys.names().length).toBe(1)
  const [before] = keys.names()
  await agent.rotateKey()
  expect(keys.names()).not.toEqual([before])
  expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
  // A second start finds the key where it is.
  expect((await delegateIn(own, { state }).fetch(`${calendar}/agenda`)).status).toBe(200)
  expect(written.length).toBeGreaterThan(2)
  expect(JSON.stringify(written)).not.toMatch(/"d":/)
})

test('an agent server with a remote key signs with it, and reports why when the key is unreachable', async () => {
  const own = await world()
  const signed = { count: 0 }
  const key = elsewhere(own.agentKey, signed)
  const agent = agentIn(own, { identity: agentServer({ id: home, kid: 'k1', key }) })
  expect((await agent.fetch(`${calendar}/agenda`)).status).toBe(200)
  expect(signed.count).toBeGreaterThan(0)
  const away = { ...key, sign: () => Promise.reject(new Error('the signer is gone')) }
  const stuck = agentIn(own, { identity: agentServer({ id: home, kid: 'k1', key: away }) })
  await expect(stuck.fetch(`${calendar}/agenda`)).rejects.toMatchObject({
    name: 'SigningKeyError',
    cause: { message: 'the signer is gone' },
  })
})
