import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { fromRequest, type ReceivedMessage, readBody, receiveRequest, type UnreadBody } from '../index.js'

/** A request whose body comes in these parts, and what its stream was asked for. */
function sent(...parts: ReadonlyArray<string | Error>) {
  const asked = { parts: 0, cancelled: false }
  const rest = [...parts]
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        asked.parts++
        const part = rest.shift()
        if (part === undefined) controller.close()
        else if (part instanceof Error) controller.error(part)
        else controller.enqueue(new TextEncoder().encode(part))
      },
      cancel() {
        asked.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  const init = { method: 'POST', body, duplex: 'half' } as RequestInit
  return { request: new Request('https://calendar.example/', init), asked }
}

function received(bodyLimit: number, ...parts: ReadonlyArray<string | Error>) {
  const { request, asked } = sent(...parts)
  const message = receiveRequest(request, { bodyLimit })
  const { unread } = message as ReceivedMessage & { readonly unread: UnreadBody }
  return { message, unread, asked }
}

const shown = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes)

describe('a body that is unread', () => {
  test('is read when it is asked for, once', async () => {
    const { message, unread, asked } = received(10, 'ab', '', 'cd')
    expect(asked.parts).toBe(0)
    const bytes = unread.bytes()
    expect(unread.bytes()).toBe(bytes)
    expect(shown(await bytes)).toBe('abcd')
    expect(await unread.hasByte()).toBe(true)
    const whole = await readBody(message)
    expect([shown(whole.body), 'unread' in whole]).toEqual(['abcd', false])
  })

  test('is whole after its first byte was awaited, for which no more is read', async () => {
    const { unread, asked } = received(10, '', 'ab', 'cd')
    expect([await unread.hasByte(), await unread.hasByte()]).toEqual([true, true])
    expect(asked.parts).toBe(2)
    expect(shown(await unread.bytes())).toBe('abcd')
  })

  test(verifies('DIG-14', 'has no byte in empty parts, and counts as none'), async () => {
    const { message, unread } = received(10, '', '')
    expect(await unread.hasByte()).toBe(false)
    expect(await unread.bytes()).toBe(undefined)
    expect('body' in (await readBody(message))).toBe(false)
    expect('unread' in receiveRequest(new Request('https://calendar.example/'), { bodyLimit: 10 })).toBe(false)
  })

  test(verifies('error.body-too-large', 'over the limit is refused however often it is read'), async () => {
    const tooLarge = { reason: 'body_too_large', status: 413 }
    const { unread, asked } = received(3, 'ab', 'cd', 'ef')
    for (let at = 0; at < 2; at++) await expect(unread.bytes()).rejects.toMatchObject(tooLarge)
    expect(asked).toEqual({ parts: 2, cancelled: true })
    await expect(fromRequest(sent('abcd').request, { bodyLimit: 3 })).rejects.toMatchObject(tooLarge)
    expect(shown((await fromRequest(sent('abc').request, { bodyLimit: 3 })).body)).toBe('abc')
  })

  test(verifies('sig.body.bytes', 'that fails at its first byte is not taken for an empty one later'), async () => {
    for (const [limit, part] of [
      [3, 'abcd'],
      [3, new Error('reset')],
    ] as const) {
      const { unread } = received(limit, part)
      await expect(unread.hasByte()).rejects.toThrow()
      await expect(unread.hasByte()).rejects.toThrow()
      await expect(unread.bytes()).rejects.toThrow()
    }
  })

  test('that fails half-way is not read as what came of it', async () => {
    const { unread } = received(10, 'ab', new Error('reset'))
    expect(await unread.hasByte()).toBe(true)
    await expect(unread.bytes()).rejects.toThrow('reset')
    await expect(unread.bytes()).rejects.toThrow('reset')
  })
})
