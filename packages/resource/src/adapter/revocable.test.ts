import { describe, expect, test } from 'vitest'
import { revocableResponse } from './revocable.js'

/** Who is inside, and a way to end them all. */
function open() {
  const ends = new Set<() => void>()
  return {
    count: () => ends.size,
    endAll: () => {
      for (const end of [...ends]) end()
    },
    whileOpen: (end: () => void) => {
      ends.add(end)
      return () => void ends.delete(end)
    },
  }
}

describe('a response under a revocable grant', () => {
  test('is what it was, and is forgotten once it has been read', async () => {
    const inside = open()
    const response = revocableResponse(new Response('hello', { status: 201, headers: { x: 'y' } }), inside.whileOpen)
    expect([response.status, response.headers.get('x'), await response.text()]).toEqual([201, 'y', 'hello'])
    expect(inside.count()).toBe(0)
  })

  test('that nobody reads is not kept', () => {
    const inside = open()
    revocableResponse(new Response('unread, as after HEAD'), inside.whileOpen)
    expect(inside.count()).toBe(0)
    const without = new Response(null, { status: 204 })
    expect(revocableResponse(without, inside.whileOpen)).toBe(without)
  })

  test('ends in an error, and ends its source, when the grant does', async () => {
    const inside = open()
    let cancelled: unknown
    const source = new ReadableStream<Uint8Array>({
      start: controller => controller.enqueue(new Uint8Array([1])),
      cancel: reason => {
        cancelled = reason
      },
    })
    const reader = revocableResponse(new Response(source), inside.whileOpen).body?.getReader()
    expect((await reader?.read())?.value).toEqual(new Uint8Array([1]))
    expect(inside.count()).toBe(1)
    const next = reader?.read()
    inside.endAll()
    await expect(next).rejects.toThrow('the grant of this request has ended')
    expect(cancelled).toBeInstanceOf(Error)
    expect(inside.count()).toBe(0)
  })

  test('of a grant that ended before it is read gives nothing', async () => {
    const ended = (end: () => void) => {
      end()
      return () => undefined
    }
    await expect(revocableResponse(new Response('hello'), ended).text()).rejects.toThrow('has ended')
  })

  test('that its reader gives up ends its source, read or not', async () => {
    for (const reads of [0, 1]) {
      const inside = open()
      let cancelled: unknown
      const source = new ReadableStream<Uint8Array>({
        start: controller => controller.enqueue(new Uint8Array([1])),
        cancel: reason => {
          cancelled = reason
        },
      })
      const reader = revocableResponse(new Response(source), inside.whileOpen).body?.getReader()
      for (let n = 0; n < reads; n++) await reader?.read()
      await reader?.cancel('enough')
      expect([cancelled, inside.count()]).toEqual(['enough', 0])
    }
  })
})
