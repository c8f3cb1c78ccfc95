/** Tail servers behind NATS: workers that share the requests of a bundle, and gateways that take clients. Runs in Node. */

export { type FleetWorker, type FleetWorkerOptions, joinFleet } from './fleet-worker.js';
export { createGateway, type Gateway, type GatewayOptions } from './gateway.js';
export { connectToNats, FleetError, type NatsLink, type NatsOptions } from './nats-link.js';
