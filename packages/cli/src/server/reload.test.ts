import { jsonLog } from '@countersign/server'
import { expect, onTestFinished, test } from 'vitest'
import { hearReloads, reloadOnSignal } from './reload.js'

test('a SIGHUP while a server starts is a reload once it serves; later ones come at once', async () => {
  const before = process.listeners('SIGHUP')
  // Those of the test runner come and go by themselves.
  const own = () => process.listeners('SIGHUP').filter(one => !before.includes(one))
  onTestFinished(() => {
    for (const added of own()) process.off('SIGHUP', added)
  })
  const applied: object[] = []
  hearReloads()
  process.emit('SIGHUP')
  process.emit('SIGHUP')
  expect(applied).toEqual([])
  const settings = {}
  reloadOnSignal({
    settings,
    fixed: [],
    read: () => settings,
    running: { setCertificate: () => undefined },
    log: jsonLog({ name: 'room', write: () => undefined }),
    apply: async next => void applied.push(next),
  })
  await expect.poll(() => applied.length).toBe(1)
  process.emit('SIGHUP')
  await expect.poll(() => applied.length).toBe(2)
  expect(own()).toHaveLength(1)
})
