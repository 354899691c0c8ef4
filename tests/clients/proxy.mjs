// Between the clients and the node: passes everything on as it is, and keeps every FHIR answer for the judges.
//
// It trusts exactly the node's own certificate, and writes its own address where the node wrote its own, so that links
// to further pages come through here as well.

import { createServer } from "node:http";
import { request } from "node:https";

/** Starts it. `node` is the node's https address, `ca` its certificate. Gives its address and what it kept. */
export async function proxy(node, ca) {
  const kept = [];
  const server = createServer((incoming, outgoing) => {
    const target = new URL(incoming.url, node);
    const headers = { ...incoming.headers, host: target.host, "accept-encoding": "identity" };
    const onward = request(target, { method: incoming.method, headers, ca }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const told = text.replaceAll(node, address());
        if ((answer.headers["content-type"] ?? "").includes("json") && told) {
          kept.push({ asked: `${incoming.method} ${incoming.url}`, status: answer.statusCode, text: told });
        }
        const own = { ...answer.headers };
        delete own["content-length"];
        delete own["transfer-encoding"];
        for (const name of ["location", "content-location"]) {
          if (own[name]) own[name] = own[name].replaceAll(node, address());
        }
        outgoing.writeHead(answer.statusCode, own);
        outgoing.end(told);
      });
    });
    onward.on("error", (error) => {
      outgoing.writeHead(502);
      outgoing.end(String(error));
    });
    incoming.pipe(onward);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const address = () => `http://127.0.0.1:${server.address().port}`;
  return { address: address(), kept, close: () => server.close() };
}
