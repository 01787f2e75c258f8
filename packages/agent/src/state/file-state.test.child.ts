// A process that shares a state file: MODE FILE NAME COUNT
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileLock } from './file-lock.js'
import { fileState } from './file-state.js'

const [mode = '', file = '', name = '', count = '1'] = process.argv.slice(2)
const state = fileState(file)

switch (mode) {
  case 'share':
    process.stdout.write('here\n')
    // All begin at once, or they would not meet.
    while (!existsSync(`${file}.go`)) await new Promise(resolve => setTimeout(resolve, 1))
    for (let n = 0; n < Number(count); n++) {
      await state.write(`${name} ${n}`, n)
      await state.exclusively?.('counter', async () => {
        const value = (await state.read('counter')) as number | undefined
        await state.write('counter', (value ?? 0) + 1)
      })
    }
    break
  case 'race': {
    const lock = fileLock()
    process.stdout.write('here\n')
    while (!existsSync(`${file}.go`)) await new Promise(resolve => setTimeout(resolve, 1))
    for (let n = 0; n < Number(count); n++)
      await lock(`${file}.lock`, async stillHeld => {
        const value = Number(readFileSync(file, 'utf8'))
        if (!(await stillHeld())) throw new Error('the lock was lost')
        writeFileSync(file, String(value + 1))
      })
    break
  }
  case 'seize':
    await fileLock()(`${file}.lock`, () => {
      process.stdout.write('holding\n')
      return new Promise(() => setInterval(() => undefined, 1000))
    })
    break
  case 'hold':
    await state.exclusively?.('counter', () => {
      process.stdout.write('holding\n')
      return new Promise(() => setInterval(() => undefined, 1000))
    })
    break
  default:
    throw new TypeError('there is no such mode')
}
