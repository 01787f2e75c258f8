import type { ReplayEntry, ReplayVerdict } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { hasServer, startServer, stopServer } from '@countersign/testing/redis-stand-in'
import { openSwitch } from '@countersign/testing/tcp-switch'
import { expect, test } from 'vitest'
import { redisReplaySet } from '../index.js'

// Two servers behind one name: what passed at one of them, the other does not know.

const on = test.skipIf(!hasServer)
const why = hasServer ? '' : ' (skipped: no redis-server in PATH)'

let made = 0
const entry = (): ReplayEntry => ({
  authority: 'calendar.example',
  thumbprint: 'kPrK',
  base: `request ${made++}`,
  created: Math.floor(Date.now() / 1000),
  partition: 'identified',
  principal: 'https://agent.example',
})

on(
  verifies('sig.replay.restart', 'F-25', `no request passes twice when Redis changes and changes back${why}`),
  async () => {
    const ports = [await freePort(), await freePort()] as const
    const servers = await Promise.all(ports.map(port => startServer(port)))
    const name = await openSwitch(ports[0])
    const set = await redisReplaySet({ url: `redis://127.0.0.1:${name.port}`, deadline: 2 })
    const passes = async (): Promise<ReplayEntry> => {
      for (;;) {
        const one = entry()
        if ((await set.check(one).catch(() => 'away')) === 'fresh') return one
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    }
    try {
      const passed: ReplayEntry[] = []
      for (const port of [ports[0], ports[1], ports[0], ports[1]]) {
        name.lead(port)
        passed.push(await passes())
        const verdicts: ReplayVerdict[] = []
        for (const one of passed) verdicts.push(await set.check(one))
        for (const verdict of verdicts) expect(['replayed', 'early']).toContain(verdict)
      }
      // A connection that is lost and found leads to the same server: nothing has to be signed anew.
      name.lead(ports[1])
      const one = { ...entry(), created: (passed.at(-1)?.created ?? 0) + 1 }
      await expect.poll(() => set.check(one).catch(() => 'away'), { timeout: 5000 }).toBe('fresh')
    } finally {
      await set.close()
      name.close()
      for (const server of servers) await stopServer(server)
    }
  },
)
