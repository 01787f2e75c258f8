// A participant in a process of its own: MODE is `development` or `production`, DRAIN and LAME-DUCK are seconds.
// It says when it has taken `?hold`, which it answers on SIGUSR2, or `?never`.
import { serve } from './serve.js'

const [mode, drain = '5', lameDuck = '0'] = process.argv.slice(2)
let open = 0
const released = new Promise(resolve => process.once('SIGUSR2', resolve))

function answerable(target: string): Promise<unknown> {
  const [, order] = target.split('?')
  if (order === undefined) return new Promise(resolve => setTimeout(resolve, 30))
  process.stdout.write(`took ${order}\n`)
  return order === 'never' ? new Promise(() => undefined) : released
}

await serve({
  name: 'room',
  id: mode === 'development' ? 'http://localhost:1' : 'https://room.example',
  port: 0,
  ...(mode === 'development' ? { development: true } : { host: '127.0.0.1' }),
  drain: Number(drain),
  lameDuck: Number(lameDuck),
  participant: {
    async handle(message) {
      open++
      await answerable(message.target)
      open--
      return new Response('done')
    },
    async close() {
      process.stdout.write(`closed with ${open} open\n`)
    },
  },
})
