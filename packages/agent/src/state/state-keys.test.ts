import { importVerifyKey } from '@countersign/httpsig'
import { describe, expect, test } from 'vitest'
import { jwkKeys } from './jwk-keys-browser.js'
import { type AgentState, memoryState } from './state.js'
import { keysOf, runExclusively } from './state-keys.js'

/** A state as others would write it: three methods, nothing else. */
function plainState(): AgentState {
  const { read, write, remove } = memoryState()
  return { read, write, remove }
}

const data = new TextEncoder().encode('countersign')

describe.each([
  ['memory', memoryState],
  ['a state of three methods', plainState],
])('keys in %s', (_, make) => {
  test('come back under their name, and go when removed', async () => {
    const keys = keysOf(make())
    expect(await keys.load('a')).toBeUndefined()
    const key = await keys.generate('a')
    await keys.generate('b')
    const loaded = await keys.load('a')
    expect(loaded?.publicJwk).toEqual(key.publicJwk)
    const signature = await loaded?.sign(data)
    expect(await (await importVerifyKey(key.publicJwk)).verify(data, signature ?? new Uint8Array())).toBe(true)
    await keys.remove('a')
    expect(await keys.load('a')).toBeUndefined()
    expect(await keys.load('b')).toBeDefined()
  })

  test('a fresh key replaces the one before', async () => {
    const keys = keysOf(make())
    const first = await keys.generate('a')
    const second = await keys.generate('a')
    expect(second.publicJwk).not.toEqual(first.publicJwk)
    expect((await keys.load('a'))?.publicJwk).toEqual(second.publicJwk)
  })
})

test('a damaged key is said to be, without a word of it', async () => {
  const state = plainState()
  await keysOf(state).generate('a')
  const jwk = (await state.read('key a')) as { d: string }
  await state.write('key a', { ...jwk, d: `${jwk.d}A` })
  const error = await keysOf(state)
    .load('a')
    .catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ code: 'state_unusable' })
  expect(JSON.stringify(error) + String(error)).not.toContain(jwk.d)
  await state.write('key a', jwk)
  expect(await keysOf(state).load('a')).toBeDefined()
})

describe('exclusively', () => {
  test('runs tasks of one name one by one, and tasks of different names at once', async () => {
    const state = memoryState()
    const order: string[] = []
    let release = (): void => undefined
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const first = runExclusively(state, 'a', async () => {
      await held
      order.push('first')
    })
    const second = runExclusively(state, 'a', async () => void order.push('second'))
    await runExclusively(state, 'b', async () => void order.push('other'))
    expect(order).toEqual(['other'])
    release()
    await Promise.all([first, second])
    expect(order).toEqual(['other', 'first', 'second'])
  })

  test('returns the result of the task, and a task that fails stops no other', async () => {
    const state = memoryState()
    const failing = runExclusively(state, 'a', () => Promise.reject(new RangeError('no')))
    const next = runExclusively(state, 'a', async () => 7)
    await expect(failing).rejects.toThrow(RangeError)
    expect(await next).toBe(7)
  })

  test('a state without exclusively runs the task at once', async () => {
    expect(await runExclusively(plainState(), 'a', async () => 7)).toBe(7)
  })
})

test('a page keeps no private key among plain values', () => {
  expect(jwkKeys).toThrow(TypeError)
  expect(keysOf(plainState())).toHaveProperty('generate')
})
