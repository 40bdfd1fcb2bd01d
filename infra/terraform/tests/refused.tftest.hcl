# Wrong input is refused before anything is planned.

mock_provider "azurerm" {
  source = "./tests/mocks"
}

variables {
  subscription_id = "00000000-0000-0000-0000-000000000000"
  environment     = "dev"
}

run "a_name_too_long_for_storage_accounts" {
  command = plan
  variables {
    name = "arbitrage-bot"
  }
  expect_failures = [var.name]
}

run "an_unknown_host" {
  command = plan
  variables {
    hosting = "premium"
  }
  expect_failures = [var.hosting]
}

run "a_private_network_on_linux_consumption" {
  command = plan
  variables {
    hosting            = "consumption"
    maximum_instances  = 10
    private_networking = true
  }
  expect_failures = [var.hosting]
}

run "python_3_13_on_linux_consumption" {
  command = plan
  variables {
    hosting           = "consumption"
    maximum_instances = 10
    python_version    = "3.13"
  }
  expect_failures = [var.hosting]
}

run "a_container_without_an_image" {
  command = plan
  variables {
    hosting = "container_apps"
  }
  expect_failures = [var.container_image]
}

run "a_setting_the_product_does_not_read" {
  command = plan
  variables {
    settings = { MIN_PROFITS = "2" }
  }
  expect_failures = [var.settings]
}

run "a_secret_among_the_settings" {
  command = plan
  variables {
    settings = { OPENAI_API_KEY = "x" }
  }
  expect_failures = [var.settings]
}

run "a_schedule_of_five_fields" {
  command = plan
  variables {
    schedules = { scan = "* * * * *" }
  }
  expect_failures = [var.schedules]
}

run "too_few_instances_for_flex_consumption" {
  command = plan
  variables {
    maximum_instances = 5
  }
  expect_failures = [var.maximum_instances]
}

run "an_address_space_too_small" {
  command = plan
  variables {
    address_space = "10.0.0.0/24"
  }
  expect_failures = [var.address_space]
}
