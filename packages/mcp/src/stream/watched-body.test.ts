import { expect, test } from 'vitest'
import { isEventStream, watchedBody } from '../internal.js'

test('an event stream is recognised by its media type, in any case and with parameters', () => {
  const isOne = (type?: string): boolean =>
    isEventStream(new Response('', type ? { headers: { 'content-type': type } } : {}))
  for (const type of ['text/event-stream', 'Text/Event-Stream', 'TEXT/EVENT-STREAM ;charset=utf-8'])
    expect(isOne(type), type).toBe(true)
  for (const type of ['text/event-streams', 'application/json', 'x text/event-stream', undefined])
    expect(isOne(type), type).toBe(false)
})

test('a watched body begins with the given bytes, ends in time, and reports its end once', async () => {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
  let told = 0
  const seen: string[] = []
  const passing = (chunk: Uint8Array): void => void seen.push(new TextDecoder().decode(chunk))
  const body = new ReadableStream<Uint8Array>({ start: controller => controller.enqueue(encode('two')) })
  const watched = watchedBody(body, { seconds: 0.05, ended: () => void told++, first: encode('one '), passing })
  expect(await new Response(watched).text()).toBe('one two')
  expect([seen, told]).toEqual([['two'], 1])
})
