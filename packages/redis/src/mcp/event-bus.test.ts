import { redisForTests } from '@countersign/testing/redis'
import { stopsAfterTests } from '@countersign/testing/stops'
import { createClient } from 'redis'
import { expect, test } from 'vitest'
import { redisEventBus } from '../mcp.js'

const { url, away, prefix } = await redisForTests()
const on = test.skipIf(away !== '')
const stops = stopsAfterTests()

async function opened() {
  const bus = await redisEventBus({ url, prefix })
  stops.push(() => bus.close())
  return bus
}

on(`what one instance tells, subscribers of all hear once${away}`, async () => {
  const [one, two] = [await opened(), await opened()]
  const heard = { one: [] as unknown[], two: [] as unknown[] }
  const told = { kind: 'resource_updated', uri: 'note://1' } as const
  one.publish({ kind: 'resource_updated', uri: 'note://before' })
  await new Promise(resolve => setTimeout(resolve, 300))
  const end = one.subscribe(event => heard.one.push(event))
  two.subscribe(event => heard.two.push(event))
  await new Promise(resolve => setTimeout(resolve, 600))
  one.publish(told)
  expect(heard.one, 'at once where it was told').toEqual([told])
  await expect.poll(() => heard.two, { timeout: 5000 }).toEqual([told])
  two.publish(told)
  await expect.poll(() => heard.one, { timeout: 5000 }).toEqual([told, told])
  await new Promise(resolve => setTimeout(resolve, 900))
  expect(heard).toEqual({ one: [told, told], two: [told, told] })
  end()
  two.publish(told)
  await new Promise(resolve => setTimeout(resolve, 900))
  expect(heard.one).toHaveLength(2)
})

on(`a Redis that begins anew, by a clock that is behind, is heard from its beginning${away}`, async () => {
  const own = `${prefix}:3`
  const bus = await redisEventBus({ url, prefix: own })
  stops.push(() => bus.close())
  const heard: unknown[] = []
  bus.publish({ kind: 'tools_list_changed' })
  await new Promise(resolve => setTimeout(resolve, 300))
  bus.subscribe(event => heard.push(event))
  await new Promise(resolve => setTimeout(resolve, 600))
  const client = await createClient({ url }).connect()
  await client.del(`{${own}}:events`)
  const told = { kind: 'prompts_list_changed' } as const
  await client.xAdd(`{${own}}:events`, '1-1', { by: 'another', event: JSON.stringify(told) })
  await client.close()
  await expect.poll(() => heard, { timeout: 3000 }).toEqual([told])
  await new Promise(resolve => setTimeout(resolve, 900))
  expect(heard, 'once').toEqual([told])
})

on(`a subscriber that throws does not keep the others from hearing${away}`, async () => {
  const errors: unknown[] = []
  const bus = await redisEventBus({ url, prefix: `${prefix}:2`, onError: error => errors.push(error) })
  stops.push(() => bus.close())
  let heard = 0
  bus.subscribe(() => {
    throw new Error('mine')
  })
  bus.subscribe(() => heard++)
  bus.publish({ kind: 'tools_list_changed' })
  expect(heard).toBe(1)
  expect(errors).toEqual([new Error('mine')])
})
