import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { end, run, type Stand, stand } from './processes.fixture.js'

let place: Stand
beforeAll(() => {
  place = stand()
})
afterAll(() => place.stop())

test.each(['auth-server', 'agent-server'])(
  verifies('restore.epoch', '%s: a database that was put back from a backup starts only after restore'),
  async name => {
    const port = await freePort()
    const data = join(place.folder, name)
    const flags = ['--development', '--id', `http://localhost:${port}`, '--data', data]
    const start = () => place.start(name, [name, ...flags, '--port', String(port)])
    const stopped = async (): Promise<void> => end(await start(), 'SIGTERM')
    await stopped()
    const file = join(data, `${name}.db`)
    copyFileSync(file, `${file}.backup`)
    await stopped()
    copyFileSync(`${file}.backup`, file)
    for (const beside of [`${file}-wal`, `${file}-shm`]) if (existsSync(beside)) rmSync(beside)

    const refused = await run([name, ...flags, '--port', String(port)])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('behind the epoch kept with the keys')
    expect(refused.stderr).toContain(`countersign ${name} restore`)
    const restored = await run([name, 'restore', ...flags])
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ended: 0 /) })
    await stopped()
    // Without its epoch file it starts, and both say that it is gone.
    const epoch = join(data, `${name}.epoch.json`)
    rmSync(epoch)
    const told = { ready: '"reason":"epoch-lost"' }
    await end(await place.start(name, [name, ...flags, '--port', String(port)], told), 'SIGTERM')
    rmSync(epoch)
    expect((await run([name, 'restore', ...flags])).stderr).toContain('"reason":"epoch-lost"')
    expect((await run([name, 'restore', ...flags])).stderr).not.toContain('epoch-lost')
    // An empty database in its place is no first start either.
    for (const gone of [file, `${file}-wal`, `${file}-shm`]) rmSync(gone, { force: true })
    expect((await run([name, ...flags, '--port', String(port)])).code).toBe(2)
  },
)
