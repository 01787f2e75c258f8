// A participant in a process of its own: MODE is `development` or `production`, DRAIN and LAME-DUCK are seconds.
import { serve } from './serve.js'

const [mode, drain = '5', lameDuck = '0'] = process.argv.slice(2)
let open = 0

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
      const [, ms = '30'] = message.target.split('wait=')
      await new Promise(resolve => setTimeout(resolve, Number(ms)))
      open--
      return new Response('done')
    },
    async close() {
      process.stdout.write(`closed with ${open} open\n`)
    },
  },
})
