import { expect, test } from 'vitest'
import { isEventStream, watchedBody } from '../rules.js'

test('a media type is the same in any case, with parameters or without; another is another', () => {
  const isOne = (type?: string): boolean =>
    isEventStream(new Response('', type ? { headers: { 'content-type': type } } : {}))
  for (const type of ['text/event-stream', 'Text/Event-Stream', 'TEXT/EVENT-STREAM ;charset=utf-8'])
    expect(isOne(type), type).toBe(true)
  for (const type of ['text/event-streams', 'application/json', 'x text/event-stream', undefined])
    expect(isOne(type), type).toBe(false)
})

test('a body that is watched ends with its time, tells once, and begins with what comes first', async () => {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
  let told = 0
  const seen: string[] = []
  const passing = (chunk: Uint8Array): void => void seen.push(new TextDecoder().decode(chunk))
  const body = new ReadableStream<Uint8Array>({ start: controller => controller.enqueue(encode('two')) })
  const watched = watchedBody(body, { seconds: 0.05, ended: () => void told++, first: encode('one '), passing })
  expect(await new Response(watched).text()).toBe('one two')
  expect([seen, told]).toEqual([['two'], 1])
})
