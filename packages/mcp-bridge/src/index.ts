export { addMcpBridge } from './command.js'
export { main } from './main.js'
