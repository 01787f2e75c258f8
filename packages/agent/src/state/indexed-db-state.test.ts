import { importVerifyKey } from '@countersign/httpsig'
import { IDBFactory, IDBObjectStore } from 'fake-indexeddb'
import { describe, expect, test, vi } from 'vitest'
import { indexedDbState } from '../browser.js'

const data = new TextEncoder().encode('countersign')

describe('state in IndexedDB', () => {
  test('reads what was written, and nothing once removed', async () => {
    const state = indexedDbState({ indexedDB: new IDBFactory() })
    expect(await state.read('a')).toBeUndefined()
    await state.write('a', { b: [1] })
    await state.write('__proto__', 'x')
    expect(await state.read('a')).toEqual({ b: [1] })
    await state.remove('a')
    expect(await state.read('a')).toBeUndefined()
    expect(await state.read('__proto__')).toBe('x')
  })

  test('survives a reload with its keys, which cannot be exported', async () => {
    const indexedDB = new IDBFactory()
    const first = indexedDbState({ indexedDB })
    await first.write('a', 1)
    const key = await first.keys?.generate('k')
    const second = indexedDbState({ indexedDB })
    expect(await second.read('a')).toBe(1)
    const loaded = await second.keys?.load('k')
    expect(loaded?.publicJwk).toEqual(key?.publicJwk)
    const verifier = await importVerifyKey(loaded?.publicJwk ?? expect.fail())
    expect(await verifier.verify(data, (await loaded?.sign(data)) ?? new Uint8Array())).toBe(true)
    expect(await indexedDbState({ indexedDB, name: 'another' }).read('a')).toBeUndefined()

    const stored = await new Promise<{ privateKey: CryptoKey }>((resolve, reject) => {
      const opening = indexedDB.open('countersign-agent')
      opening.onerror = reject
      opening.onsuccess = () => {
        const reading = opening.result.transaction('keys').objectStore('keys').get('k')
        reading.onsuccess = () => resolve(reading.result)
      }
    })
    for (const format of ['jwk', 'pkcs8'] as const)
      await expect(crypto.subtle.exportKey(format, stored.privateKey)).rejects.toThrow()
  })

  test('a fresh key replaces the one before, and can be removed', async () => {
    const { keys } = indexedDbState({ indexedDB: new IDBFactory() })
    const first = await keys?.generate('k')
    const second = await keys?.generate('k')
    expect(second?.publicJwk).not.toEqual(first?.publicJwk)
    expect((await keys?.load('k'))?.publicJwk).toEqual(second?.publicJwk)
    await keys?.remove('k')
    expect(await keys?.load('k')).toBeUndefined()
  })

  test('tasks of one name take turns, by the locks of the browser if it has them', async () => {
    const asked: string[] = []
    const locks = {
      request: (name: string, task: () => unknown) => {
        asked.push(name)
        return Promise.resolve(task())
      },
    } as unknown as LockManager
    const locked = indexedDbState({ indexedDB: new IDBFactory(), locks, name: 'n' })
    expect(await locked.exclusively?.('a', async () => 7)).toBe(7)
    expect(asked).toEqual(['n a'])
    const own = indexedDbState({ indexedDB: new IDBFactory() })
    const order: number[] = []
    const first = own.exclusively?.('a', async () => {
      await own.write('x', 1)
      order.push(1)
    })
    const second = own.exclusively?.('a', async () => void order.push(2))
    await Promise.all([first, second])
    expect(order).toEqual([1, 2])
  })

  test('a browser that refuses its storage is named, without its words', async () => {
    const indexedDB = new IDBFactory()
    const refusing = Object.assign(Object.create(indexedDB), {
      open: () => {
        throw new DOMException('secret', 'SecurityError')
      },
    }) as IDBFactory
    const error = await indexedDbState({ indexedDB: refusing })
      .read('a')
      .catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'state_unusable', cause: { name: 'SecurityError' } })
    expect(JSON.stringify(error) + String(error)).not.toContain('secret')
    const state = indexedDbState({ indexedDB })
    await expect(state.write('a', () => undefined)).rejects.toMatchObject({ code: 'state_unusable' })
    await state.write('a', 1)
    expect(await state.read('a')).toBe(1)
  })

  test('a browser that refuses once is asked again', async () => {
    const indexedDB = new IDBFactory()
    const refusals = [new DOMException('not now', 'SecurityError')]
    const moody = Object.assign(Object.create(indexedDB), {
      open: (name: string, version: number) => {
        const refusal = refusals.pop()
        if (refusal !== undefined) throw refusal
        return indexedDB.open(name, version)
      },
    }) as IDBFactory
    const state = indexedDbState({ indexedDB: moody })
    await expect(state.read('a')).rejects.toMatchObject({ code: 'state_unusable' })
    expect(await state.read('a')).toBeUndefined()
  })

  test.each([
    [
      'cannot store',
      () => {
        throw new DOMException('no', 'DataCloneError')
      },
    ],
    ['does not give back', () => null],
  ])('Ed25519 keys that the browser %s are made as ES256 keys', async (_, stored) => {
    const { put } = IDBObjectStore.prototype
    const putting = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      value,
      key,
    ) {
      return put.call(this, value.algorithm === 'Ed25519' ? stored() : value, key)
    })
    const indexedDB = new IDBFactory()
    const key = await indexedDbState({ indexedDB })
      .keys?.generate('k')
      .finally(() => putting.mockRestore())
    expect(key?.algorithm).toBe('ES256')
    const { keys } = indexedDbState({ indexedDB })
    expect((await keys?.load('k'))?.publicJwk).toEqual(key?.publicJwk)
    expect((await keys?.generate('k'))?.algorithm).toBe('Ed25519')
  })

  test('a database that another tab deletes is let go, and made anew', async () => {
    const indexedDB = new IDBFactory()
    const state = indexedDbState({ indexedDB })
    await state.write('a', 1)
    await new Promise<void>((resolve, reject) => {
      const deleting = indexedDB.deleteDatabase('countersign-agent')
      deleting.onsuccess = () => resolve()
      deleting.onerror = reject
    })
    expect(await state.read('a')).toBeUndefined()
    await state.write('a', 2)
    expect(await state.read('a')).toBe(2)
  })

  test('throws at once when there is no IndexedDB', () => {
    expect(() => indexedDbState()).toThrow(TypeError)
  })
})
