-- What wrk posts.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"userId": "134259", "currencyFrom": "EUR", "currencyTo": "GBP", "amountSell": 1000, "amountBuy": 747.10, ' ..
  '"rate": 0.7471, "timePlaced": "24-JAN-15 10:27:44", "originatingCountry": "FR"}'
