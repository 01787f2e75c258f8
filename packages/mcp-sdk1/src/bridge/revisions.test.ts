import { afterEach, describe, expect, test } from 'vitest'
import { type Answering, type Lines, type Place, placeOf } from './revisions.test.fixture.js'

const open: Place[] = []

afterEach(async () => {
  for (const { client, between } of open.splice(0)) {
    await client.close()
    await between.closed
  }
})

async function place(lines: Lines, answer?: Answering): Promise<Place> {
  const made = await placeOf(lines, answer)
  open.push(made)
  return made
}

const combinations: Lines[] = [
  ['old', 'old'],
  ['new', 'new'],
  ['old', 'new'],
  ['new', 'old'],
]
const uri = 'note://public/one'

describe.each(combinations)('an %s client of an %s server', (...lines) => {
  test('lists and calls its tools, and knows its name', async () => {
    const { client, errors } = await place(lines)
    expect(client.revision()).toBe(lines[1])
    expect(await client.tools()).toEqual(['hello'])
    expect(await client.call('hello')).toBe('hello: done')
    expect(errors).toEqual([])
  })

  test('is asked during a call, more than once', async () => {
    const { client, seen } = await place(lines)
    const calls = await Promise.all([client.call('ask'), client.call('ask')])
    expect(calls).toEqual(['Ada and Grace', 'Ada and Grace'])
    expect(seen.asked).toHaveLength(4)
    expect(seen.asked).toContainEqual(expect.objectContaining({ message: 'And who?' }))
  })

  test('hears of progress, and of the log where it asks for it', async () => {
    const { client, seen } = await place(lines)
    await client.setLevel('info')
    const progress: number[] = []
    expect(await client.call('steps', { onprogress: step => void progress.push(step) })).toBe('done')
    expect(progress).toEqual([1, 2])
    expect(seen.heard).toEqual(['log stepped'])
  })

  test('cancels a call', async () => {
    const { client, seen } = await place(lines)
    const stop = new AbortController()
    const call = client.call('wait', { signal: stop.signal })
    call.catch(() => undefined)
    await expect.poll(() => seen.ran).toContain('wait')
    stop.abort('enough')
    await expect(call).rejects.toThrow('enough')
    await expect.poll(() => seen.ran).toContain('cancelled')
  })

  test('hears of changes', async () => {
    const { client, server, seen } = await place(lines)
    await client.watch(uri)
    await server.changed(uri)
    await expect.poll(() => seen.heard).toEqual(['tools', uri])
  })

  test('is asked by the bridge itself while a call waits, and the server does not hear of it', async () => {
    const { client, between, seen } = await place(lines)
    const stop = new AbortController()
    const call = client.call('wait', { signal: stop.signal })
    call.catch(() => undefined)
    await expect.poll(() => seen.ran).toContain('wait')
    const params = { mode: 'url', elicitationId: 'e1', url: 'https://auth.example/', message: 'Please' } as const
    expect(await between.elicitInput(params)).toEqual({ action: 'accept' })
    expect(seen.asked).toMatchObject([{ mode: 'url', url: 'https://auth.example/', message: 'Please' }])
    expect(seen.ran).toEqual(['wait'])
    stop.abort('enough')
    await expect.poll(() => seen.ran).toContain('cancelled')
  })

  test('whose server goes gets an error for its calls', async () => {
    const { client, between } = await place(lines)
    const call = client.call('wait')
    call.catch(() => undefined)
    await between.close()
    await expect(call).rejects.toThrow()
  })
})
