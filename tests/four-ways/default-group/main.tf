# The default security group with a rule more, who is in it by name and who because nothing else is said; stateless rules of ICMP.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-east-1"
}

resource "aws_vpc" "net" {
  cidr_block = "10.3.0.0/16"
  tags       = { Name = "net" }
}

resource "aws_default_security_group" "net" {
  vpc_id = aws_vpc.net.id

  ingress {
    protocol  = -1
    from_port = 0
    to_port   = 0
    self      = true
  }
  ingress {
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_internet_gateway" "igw" {
  vpc_id = aws_vpc.net.id
}

resource "aws_subnet" "open" {
  vpc_id                  = aws_vpc.net.id
  cidr_block              = "10.3.1.0/24"
  availability_zone       = data.aws_availability_zones.all.names[0]
  map_public_ip_on_launch = true
  tags                    = { Name = "open" }
}

resource "aws_subnet" "closed" {
  vpc_id            = aws_vpc.net.id
  cidr_block        = "10.3.2.0/24"
  availability_zone = data.aws_availability_zones.all.names[1]
  tags              = { Name = "closed" }
}

data "aws_availability_zones" "all" {}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.net.id
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.igw.id
}

resource "aws_route_table_association" "open" {
  subnet_id      = aws_subnet.open.id
  route_table_id = aws_route_table.public.id
}

resource "aws_network_acl" "no_ping" {
  vpc_id = aws_vpc.net.id
  tags   = { Name = "no-ping" }
}

resource "aws_network_acl_association" "closed" {
  network_acl_id = aws_network_acl.no_ping.id
  subnet_id      = aws_subnet.closed.id
}

locals {
  rules = {
    ping = { number = 50, egress = false, protocol = "icmp", action = "deny", cidr = "10.3.0.0/16", type = 8 }
    in   = { number = 100, egress = false, protocol = "-1", action = "allow", cidr = "0.0.0.0/0", type = null }
  }
}

resource "aws_network_acl_rule" "in" {
  for_each       = local.rules
  network_acl_id = aws_network_acl.no_ping.id
  rule_number    = each.value.number
  egress         = each.value.egress
  protocol       = each.value.protocol
  rule_action    = each.value.action
  cidr_block     = each.value.cidr
  icmp_type      = each.value.type
  icmp_code      = each.value.type == null ? null : -1
}

resource "aws_network_acl_rule" "out" {
  network_acl_id = aws_network_acl.no_ping.id
  rule_number    = 100
  egress         = true
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = "10.3.0.0/16"
  from_port      = 1024
  to_port        = 65535
}

resource "aws_instance" "named" {
  subnet_id              = aws_subnet.open.id
  private_ip             = "10.3.1.10"
  vpc_security_group_ids = [aws_vpc.net.default_security_group_id]
  tags                   = { Name = "named" }
}

resource "aws_instance" "silent" {
  subnet_id  = aws_subnet.open.id
  private_ip = "10.3.1.11"
  tags       = { Name = "silent" }
}

resource "aws_instance" "inner" {
  subnet_id  = aws_subnet.closed.id
  private_ip = "10.3.2.10"
  tags       = { Name = "inner" }
}
