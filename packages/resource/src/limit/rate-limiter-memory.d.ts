// One file of the package, whose types name its root only; the root brings what only Node has (`node:cluster`).
declare module 'rate-limiter-flexible/lib/RateLimiterMemory.js' {
  export { RateLimiterMemory as default } from 'rate-limiter-flexible'
}
