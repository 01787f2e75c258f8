import { createServer, type Server } from 'node:http'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { startBalancer } from '@countersign/testing/rig/balancer'
import { startPostgresPair } from '@countersign/testing/rig/postgres-pair'
import { requireRig, rigAway } from '@countersign/testing/rig/program'
import { startRedisCluster } from '@countersign/testing/rig/redis-cluster'
import { startRedis } from '@countersign/testing/rig/redis-node'
import { expect, onTestFinished, test } from 'vitest'

// The servers that the tests of many instances stand on do what these tests take for granted.

requireRig('postgres', 'pg_basebackup', 'redis-server', 'nginx')
const away = rigAway('postgres', 'pg_basebackup', 'redis-server', 'nginx')
const when = away === '' ? test : test.skip

when(`an acknowledged write is there after its primary is lost and the standby promoted${away}`, async () => {
  const pair = await startPostgresPair()
  onTestFinished(() => pair.stop())
  await pair.primary.query('create table kept (id int)')
  await pair.primary.query('insert into kept values (1)')
  await expect(pair.standby.query('insert into kept values (2)')).rejects.toThrow('read-only')
  const lost = pair.primary
  await lost.kill()
  await pair.promote()
  expect(await pair.primary.query('select id from kept')).toEqual([{ id: 1 }])
  await pair.primary.query('insert into kept values (3)')
  await pair.followAgain()
  expect(pair.standby).toBe(lost)
  expect(await pair.standby.query('select id from kept order by id')).toEqual([{ id: 1 }, { id: 3 }])
})

when(`no write is acknowledged while the synchronous standby is paused${away}`, async () => {
  const pair = await startPostgresPair()
  onTestFinished(() => pair.stop())
  await pair.primary.query('create table kept (id int)')
  pair.standby.pause()
  let acknowledged = false
  const write = pair.primary.query('insert into kept values (1)').then(() => (acknowledged = true))
  await new Promise(resolve => setTimeout(resolve, 700))
  expect(acknowledged).toBe(false)
  pair.standby.resume()
  await write
  expect(acknowledged).toBe(true)
})

when(`a Redis Cluster serves all slots, and a replica takes over from a lost master${away}`, async () => {
  const cluster = await startRedisCluster({ replicas: 1 })
  onTestFinished(() => cluster.stop())
  expect(cluster.nodes).toHaveLength(6)
  const master = await cluster.masterOf('{a}')
  await master.send('SET', '{a}', '1')
  await master.send('WAIT', '1', '1000')
  await master.kill()
  await expect.poll(async () => (await cluster.masterOf('{a}')) === master, { timeout: 15_000 }).toBe(false)
  await cluster.well()
  expect(await (await cluster.masterOf('{a}')).send('GET', '{a}')).toBe('1')
  await master.start()
  await cluster.well()
})

when(`a single Redis starts again empty on its port${away}`, async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  await redis.send('SET', 'a', '1')
  await redis.kill()
  await expect(redis.send('GET', 'a')).rejects.toThrow()
  await redis.start()
  expect(await redis.send('GET', 'a')).toBe(null)
})

when(`the balancer hands each request to the next instance, and repeats none that was received${away}`, async () => {
  const counts = [0, 0, 0]
  let broken = -1
  const servers: Server[] = counts.map((_, index) =>
    createServer((request, response) => {
      counts[index] = (counts[index] ?? 0) + 1
      if (index === broken) request.socket.destroy()
      else response.end(String(index))
    }),
  )
  const instances = await Promise.all(servers.map(listenOn))
  const port = await freePort()
  const balancer = await startBalancer([{ port, instances }])
  onTestFinished(async () => {
    await balancer.stop()
    await Promise.all(servers.map(closeServer))
  })
  const url = `http://localhost:${port}/`
  const answers = new Set<string>()
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(url, { method: 'POST', body: 'x' })
    answers.add(await answer.text())
    expect(answer.headers.get('served-by')).toMatch(/^127\.0\.0\.1:\d+$/)
  }
  expect(answers).toEqual(new Set(['0', '1', '2']))
  expect(counts).toEqual([1, 1, 1])
  broken = 1
  const statuses: number[] = []
  for (let i = 0; i < 3; i++) statuses.push((await fetch(url, { method: 'POST', body: 'x' })).status)
  expect(statuses.sort((a, b) => a - b)).toEqual([200, 200, 502])
  expect(counts.reduce((sum, count) => sum + count)).toBe(6)
  broken = -1
  await balancer.balance([{ port, instances: instances.slice(0, 1) }])
  for (let i = 0; i < 3; i++) expect(await (await fetch(url)).text()).toBe('0')
})
