export { createGateway, type GatewayOptions, type GatewayRoute } from './gateway.js'
